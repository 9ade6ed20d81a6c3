import { problemOf, type ModelInfo, type Problem, type WorkerInfo } from "@rbee/contracts";
import type { Placement } from "@rbee/job-core";
import type { Hive } from "./fleet.ts";
import type { OpenJob, Want } from "./ledger.ts";
import { roomiest } from "./room.ts";

export type Choice =
  | { readonly kind: "place"; readonly placement: Placement }
  | { readonly kind: "wait"; readonly reason: string }
  | { readonly kind: "refuse"; readonly problem: Problem };

/** How many jobs each worker and each hive's load-on-demand place holds. */
export class Occupancy {
  /** By hive and worker. */
  readonly #given = new Map<string, number>();
  /** By hive, then by what the model was called by those who wait for it. */
  readonly #loading = new Map<string, Map<string, number>>();

  constructor(placed: Iterable<OpenJob>) {
    for (const job of placed) if (job.placement !== undefined) this.add(job.want, job.placement);
  }

  add({ model }: Want, { hive_id, worker_id }: Placement): void {
    if (model === undefined) return;
    if (worker_id !== undefined) return addOne(this.#given, `${hive_id} ${worker_id}`);
    const models = this.#loading.get(hive_id) ?? new Map<string, number>();
    this.#loading.set(hive_id, models);
    addOne(models, model);
  }

  /** Jobs on a worker: those given to it, and those given to its hive before it was there. */
  of(hive: Hive, worker: WorkerInfo): number {
    return (this.#given.get(`${hive.hive_id} ${worker.worker_id}`) ?? 0) + this.loading(hive, worker.model);
  }

  /** By whichever of its names they asked for it. */
  loading(hive: Hive, model: string): number {
    let jobs = 0;
    for (const [asked, count] of this.#loading.get(hive.hive_id) ?? []) if (names(asked, model)) jobs += count;
    return jobs;
  }
}

function addOne(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

/** `bee-tiny` and `bee-tiny:f16` ask for the same thing where the hive has only `bee-tiny`. */
const names = (want: string, id: string): boolean =>
  want === id || want.split(":")[0] === id || id.split(":")[0] === want;

/** Where a job goes. Pure: the same fleet and the same want give the same answer. */
export function choose(want: Want, hives: readonly Hive[], occupancy: Occupancy): Choice {
  const named = want.hive_id === "auto" ? undefined : hives.find((hive) => hive.hive_id === want.hive_id);
  if (want.hive_id !== "auto" && named === undefined) return refuse("hive_not_found", unknownHive(want.hive_id, hives));
  if (want.model === undefined) return named === undefined ? anywhere(want, hives) : onHive(want, named);
  const { model } = want;
  const candidates = (named === undefined ? hives : [named]).filter((hive) => has(hive, model));
  if (candidates.length === 0) return refuse("model_not_found", unknownModel(model, hives));
  const reachable = candidates.filter((hive) => hive.connected && !hive.draining);
  if (reachable.length === 0) return { kind: "wait", reason: `no hive that has ${model} is connected` };
  const { model_digest } = want;
  const fitting =
    model_digest === undefined ? reachable : reachable.filter((hive) => digestsOf(hive, model).has(model_digest));
  if (fitting.length === 0)
    return { kind: "wait", reason: `no hive that can go on with the same ${model} is connected` };
  return onWorker({ ...want, model }, fitting, occupancy);
}

/** An operation of a hive, for which any hive will do. */
function anywhere({ room }: Want, hives: readonly Hive[]): Choice {
  if (room === undefined) return refuse("invalid_input", "name a hive");
  const reachable = hives.filter((hive) => hive.connected && !hive.draining);
  if (reachable.length === 0) return { kind: "wait", reason: "no hive is connected" };
  const hive = roomiest(room, reachable, names);
  if (hive !== undefined) return { kind: "place", placement: { hive_id: hive.hive_id } };
  return refuse("no_such_device", `no hive that is connected has the device ${room.device}`);
}

function onHive(want: Want, hive: Hive): Choice {
  if (hive.connected && !hive.draining) return { kind: "place", placement: { hive_id: hive.hive_id } };
  const why = hive.connected ? `${hive.hive_id} is shutting down` : `${hive.hive_id} is not connected`;
  return want.offline === "wait" ? { kind: "wait", reason: why } : refuse("hive_offline", why);
}

/** Free slots first, the emptiest worker before fuller ones; where no worker has the model, a hive that has its file. */
function onWorker(want: Want & { model: string }, hives: readonly Hive[], occupancy: Occupancy): Choice {
  let best: { placement: Placement; load: number } | undefined;
  let workers = 0;
  for (const hive of hives) {
    const serving = workersOf(hive).filter((worker) => names(want.model, worker.model) && isUp(worker));
    for (const worker of serving) {
      if (want.worker_id !== undefined && worker.worker_id !== want.worker_id) continue;
      const model_digest = digestOf(hive, worker.model);
      if (want.model_digest !== undefined && model_digest !== want.model_digest) continue;
      workers++;
      const load = occupancy.of(hive, worker) / worker.slots;
      if (worker.state === "ready" && load < 1 && (best === undefined || load < best.load)) {
        best = { placement: placementOn(hive, model_digest, worker.worker_id), load };
      }
    }
  }
  if (best !== undefined) return { kind: "place", placement: best.placement };
  if (want.worker_id !== undefined) {
    return workers === 0
      ? refuse("worker_not_found", `no worker ${want.worker_id} serves ${want.model}`)
      : busy(want.model);
  }
  return loadOnDemand(want, hives, occupancy);
}

function loadOnDemand(want: Want & { model: string }, hives: readonly Hive[], occupancy: Occupancy): Choice {
  for (const hive of hives) {
    const serving = workersOf(hive).some((worker) => names(want.model, worker.model) && worker.state === "ready");
    const slots = hive.inventory?.slots_default ?? 1;
    if (hive.closing?.some((model) => names(want.model, model)) === true) continue;
    if (serving || occupancy.loading(hive, want.model) >= slots) continue;
    const model_digest = digestOf(hive, want.model);
    if (want.model_digest === undefined || model_digest === want.model_digest)
      return { kind: "place", placement: placementOn(hive, model_digest) };
  }
  return busy(want.model);
}

const placementOn = ({ hive_id }: Hive, model_digest: string | undefined, worker_id?: string): Placement => ({
  hive_id,
  ...(worker_id === undefined ? {} : { worker_id }),
  ...(model_digest === undefined ? {} : { model_digest }),
});

const filesOf = (hive: Hive, model: string): readonly ModelInfo[] =>
  (hive.inventory?.models ?? []).filter((file) => file.status === "ready" && names(model, file.id));

const digestsOf = (hive: Hive, model: string): ReadonlySet<string | undefined> =>
  new Set(filesOf(hive, model).map((file) => file.digest));

/** Digest of what the hive takes for a model: the file of that id, or else the only one that is so called. */
function digestOf(hive: Hive, model: string): string | undefined {
  const files = filesOf(hive, model);
  return (files.find((file) => file.id === model) ?? (files.length === 1 ? files[0] : undefined))?.digest;
}

const busy = (model: string): Choice => ({ kind: "wait", reason: `every slot of ${model} is busy` });
const workersOf = (hive: Hive): readonly WorkerInfo[] => hive.inventory?.workers ?? [];
const isUp = (worker: WorkerInfo): boolean => worker.state === "ready" || worker.state === "starting";

const has = (hive: Hive, model: string): boolean =>
  workersOf(hive).some((worker) => names(model, worker.model)) || filesOf(hive, model).length > 0;

const refuse = (code: Problem["code"], detail: string): Choice => ({
  kind: "refuse",
  problem: problemOf(code, detail),
});

const unknownHive = (hive_id: string, hives: readonly Hive[]): string =>
  `no hive ${JSON.stringify(hive_id)}; ${listed(
    hives.map((hive) => hive.hive_id),
    "none has joined yet",
  )}`;

function unknownModel(model: string, hives: readonly Hive[]): string {
  const known = hives.flatMap((hive) => (hive.inventory?.models ?? []).map((file) => file.id));
  return `no hive has ${JSON.stringify(model)}; ${listed([...new Set(known)], "none has any model yet")}`;
}

const NAMES_SHOWN = 20;
const listed = (names: readonly string[], none: string): string =>
  names.length === 0 ? none : `there ${names.length === 1 ? "is" : "are"} ${names.slice(0, NAMES_SHOWN).join(", ")}`;
