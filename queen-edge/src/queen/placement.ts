import { isHubModel, problemOf, type Problem, type WorkerInfo } from "@rbee/contracts";
import type { Placement } from "@rbee/job-core";
import type { Seat } from "./conversations.ts";
import type { Hive } from "./fleet.ts";
import type { FleetView, Offer } from "./fleet-view.ts";
import type { Occupancy } from "./occupancy.ts";
import { roomFor, roomiest, rooms } from "./room.ts";
import { listed, unknownHive, unknownModel } from "./unknown.ts";
import type { How, Want } from "./want.ts";

export type Choice =
  | { readonly kind: "place"; readonly placement: Placement; readonly how: How }
  /** `slots`: how many serve what it wants, when they are all busy. */
  | { readonly kind: "wait"; readonly reason: string; readonly slots?: number }
  | { readonly kind: "refuse"; readonly problem: Problem };

/** What is known besides the fleet itself. */
export interface Load {
  readonly occupancy: Occupancy;
  /** The worker that holds the conversation's beginning. */
  readonly seat?: Seat | undefined;
  /** Conversations that a worker holds: among equally free ones the one with the fewest forgets least. */
  readonly conversationsOn?: (hive_id: string, worker_id: string) => number;
}

type ModelWant = Want & { readonly model: string };

/** Where a job goes. Pure: the same fleet, want and load give the same answer. */
export function choose(want: Want, fleet: FleetView, load: Load): Choice {
  const { model, hive_labels = [], model_digest } = want;
  const named = want.hive_id === "auto" ? undefined : fleet.find(want.hive_id);
  if (want.hive_id !== "auto" && named === undefined)
    return refuse("hive_not_found", unknownHive(want.hive_id, fleet.hives));
  if (model === undefined) return named === undefined ? anywhere(want, fleet.hives, load) : onHive(want, named);
  const offers = offersOf(model, fleet, load);
  const candidates = named === undefined ? offers : offers.filter(({ hive }) => hive === named);
  if (candidates.length === 0) return refuse("model_not_found", unknownModel(model, fleet.hives, named));
  const labelled = hive_labels.length === 0 ? candidates : candidates.filter(({ hive }) => hasAll(hive, hive_labels));
  if (labelled.length === 0) return refuse("hive_not_found", unknownLabels(model, hive_labels, candidates));
  const reachable = labelled.filter(({ hive }) => isOpen(hive));
  if (reachable.length === 0) return { kind: "wait", reason: `no hive that has ${model} is connected` };
  const same =
    model_digest === undefined
      ? reachable
      : reachable.filter(({ files }) => files.some((file) => file.digest === model_digest));
  if (same.length === 0) return { kind: "wait", reason: `no hive that can go on with the same ${model} is connected` };
  return onWorker({ ...want, model }, same, load);
}

/** Of a model that nobody has: a hive that fetches it already, else those that may. [PULL-1] */
function offersOf(model: string, fleet: FleetView, { occupancy }: Load): readonly Offer[] {
  const offers = fleet.offers(model);
  if (offers.length > 0 || !isHubModel(model)) return offers;
  const pullers = fleet.hives.filter((hive) => hive.inventory?.pulls === true && isOpen(hive));
  const fetching = pullers.filter(({ hive_id }) => occupancy.loading(hive_id, model) > 0);
  return (fetching.length > 0 ? fetching : pullers).map((hive) => ({ hive, workers: [], files: [], closing: false }));
}

/** An operation of a hive, for which any hive will do. */
function anywhere({ room }: Want, hives: readonly Hive[], { occupancy }: Load): Choice {
  if (room === undefined) return refuse("invalid_input", "name a hive");
  const reachable = hives.filter(isOpen);
  if (reachable.length === 0) return { kind: "wait", reason: "no hive is connected" };
  const hive = roomiest(room, reachable, occupancy);
  if (hive !== undefined) return { kind: "place", placement: { hive_id: hive.hive_id }, how: "hive" };
  return refuse("no_such_device", `no hive that is connected has the device ${room.device}`);
}

function onHive(want: Want, hive: Hive): Choice {
  if (isOpen(hive)) return { kind: "place", placement: { hive_id: hive.hive_id }, how: "hive" };
  const why = hive.connected ? `${hive.hive_id} is shutting down` : `${hive.hive_id} is not connected`;
  return want.offline === "wait" ? { kind: "wait", reason: why } : refuse("hive_offline", why);
}

interface Place {
  readonly offer: Offer;
  readonly worker: WorkerInfo;
  /** Share of its slots that is taken. */
  readonly load: number;
}

/** The conversation's own worker while it has room, else the emptiest one; where none has room, a hive that loads the model. */
function onWorker(want: ModelWant, offers: readonly Offer[], load: Load): Choice {
  const { occupancy, seat } = load;
  let best: Place | undefined;
  let [workers, slots] = [0, 0];
  for (const offer of offers) {
    const { hive_id } = offer.hive;
    for (const worker of offer.workers) {
      if (!serves(worker, offer, want)) continue;
      workers++;
      if (worker.state !== "ready") continue;
      slots += worker.slots;
      const share = occupancy.of(hive_id, worker) / worker.slots;
      if (share >= 1) continue;
      if (seat?.hive_id === hive_id && seat.worker_id === worker.worker_id)
        return placed(want, offer, { worker, how: "conversation" });
      if (
        best === undefined ||
        share < best.load ||
        (share === best.load && forgetsLess(worker, offer, { best, load }))
      )
        best = { offer, worker, load: share };
    }
  }
  if (best !== undefined) return placed(want, best.offer, { worker: best.worker, how: "free" });
  if (want.worker_id !== undefined && workers === 0)
    return refuse("worker_not_found", `no worker ${want.worker_id} serves ${want.model}`);
  const busy: Choice = { kind: "wait", reason: `every slot of ${want.model} is busy`, slots };
  return want.worker_id === undefined ? (loadOnDemand(want, offers, occupancy) ?? busy) : busy;
}

function serves(worker: WorkerInfo, { files }: Offer, want: ModelWant): boolean {
  if (want.worker_id !== undefined && worker.worker_id !== want.worker_id) return false;
  if (worker.state !== "ready" && worker.state !== "starting") return false;
  return want.model_digest === undefined || digestOf(files, worker.model) === want.model_digest;
}

/** Among equally free workers the one that holds the fewest conversations, for its slots. */
function forgetsLess(worker: WorkerInfo, { hive }: Offer, { best, load }: { best: Place; load: Load }): boolean {
  if (load.conversationsOn === undefined) return false;
  const held = (one: WorkerInfo, hive_id: string) => (load.conversationsOn?.(hive_id, one.worker_id) ?? 0) / one.slots;
  return held(worker, hive.hive_id) < held(best.worker, best.offer.hive.hive_id);
}

/**
 * A hive that loads the model already takes as many as its worker will have slots: one load for all who came at once.
 * Then one with memory to spare, then one where idle workers would have to go. Where busy ones would have to, the job
 * waits for that. One that the queen takes for too small is asked all the same, if there is no other: its refusal has
 * the exact numbers.
 */
function loadOnDemand(want: ModelWant, offers: readonly Offer[], occupancy: Occupancy): Choice | undefined {
  let best: (Loader & { readonly offer: Offer }) | undefined;
  for (const offer of offers) {
    const { hive, workers, files, closing } = offer;
    const { hive_id } = hive;
    // The hive would give it to its busy worker.
    if (closing || workers.some(({ state }) => state === "ready")) continue;
    if (want.model_digest !== undefined && digestOf(files, want.model) !== want.model_digest) continue;
    const starting = workers.filter(({ state }) => state === "starting");
    const loading = occupancy.loading(hive_id, want.model);
    const slots = starting.length === 0 ? (hive.inventory?.slots_default ?? 1) : Math.max(...starting.map(slotsOf));
    if (loading >= slots) continue;
    if (loading > 0 || starting.length > 0) return placed(want, offer, { how: "load" });
    const file = files.find(({ id }) => id === want.model) ?? files[0];
    // Without a file there is nothing to load that the queen knows of; the hive says what became of its worker.
    const { room, free } = file === undefined ? NO_ROOM : roomFor(hive, { size: file.size_bytes }, occupancy);
    const one = { offer, tier: rooms.indexOf(room), jobs: occupancy.jobsOn(hive_id), free };
    if (best === undefined || isRoomier(one, best)) best = one;
  }
  if (best === undefined) return undefined;
  if (rooms[best.tier] === "busy")
    return { kind: "wait", reason: `no hive has memory for ${want.model} until other models are done` };
  return placed(want, best.offer, { how: "load" });
}

interface Loader {
  /** Number of its room in `rooms`. */
  readonly tier: number;
  readonly jobs: number;
  /** Bytes of its emptiest device. */
  readonly free: number;
}

function isRoomier(one: Loader, other: Loader): boolean {
  if (one.tier !== other.tier) return one.tier < other.tier;
  return one.jobs === other.jobs ? one.free > other.free : one.jobs < other.jobs;
}

const NO_ROOM = { room: "never", free: 0 } as const;

function placed(want: ModelWant, { hive, files }: Offer, { worker, how }: { worker?: WorkerInfo; how: How }): Choice {
  const model_digest = digestOf(files, worker?.model ?? want.model);
  const placement: Placement = {
    hive_id: hive.hive_id,
    ...(worker === undefined ? {} : { worker_id: worker.worker_id }),
    ...(model_digest === undefined ? {} : { model_digest }),
  };
  return { kind: "place", placement, how };
}

/** Digest of what the hive takes for a model: the file of that id, or else the only one that is so called. */
function digestOf(files: Offer["files"], model: string): string | undefined {
  return (files.find((file) => file.id === model) ?? (files.length === 1 ? files[0] : undefined))?.digest;
}

const isOpen = (hive: Hive): boolean => hive.connected && !hive.draining;
const slotsOf = ({ slots }: WorkerInfo): number => slots;
const hasAll = ({ labels }: Hive, wanted: readonly string[]): boolean =>
  wanted.every((label) => labels.includes(label));

const refuse = (code: Problem["code"], detail: string): Choice => ({
  kind: "refuse",
  problem: problemOf(code, detail),
});

function unknownLabels(model: string, wanted: readonly string[], offers: readonly Offer[]): string {
  const known = [...new Set(offers.flatMap(({ hive }) => hive.labels))];
  return `no hive that has ${model} is labelled ${wanted.join(" and ")}; ${listed(known, "none has a label")}`;
}
