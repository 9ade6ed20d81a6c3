import type { WorkerInfo } from "@rbee/contracts";
import { describe, expect, test } from "vitest";
import { aDevice, aHive, aModel, aWant, aWorker } from "../testing/fleets.ts";
import type { Hive } from "./fleet.ts";
import { FleetView } from "./fleet-view.ts";
import type { Want } from "./want.ts";
import { Occupancy } from "./occupancy.ts";
import { choose, type Choice, type Load } from "./placement.ts";

const GIB = 1_073_741_824;

const chosen = (want: Want, hives: Hive[], load: Partial<Load> = {}): Choice =>
  choose(want, new FleetView(hives), { occupancy: new Occupancy(), ...load });

/** Where it went; else why it waits or the code with which it was refused. */
function outcome(choice: Choice): string {
  if (choice.kind === "place") return choice.placement.hive_id;
  return choice.kind === "wait" ? choice.reason : choice.problem.code;
}

const held = (...jobs: [hive_id: string, worker_id: string | undefined, model?: string][]): Occupancy => {
  const occupancy = new Occupancy();
  for (const [hive_id, worker_id, model = "bee"] of jobs)
    occupancy.add(aWant({ model }), { hive_id, ...(worker_id === undefined ? {} : { worker_id }) });
  return occupancy;
};

const WORKER = "worker-llama-9100";

test("a hive that does not have the model is named when it was asked for, with what it does have", () => {
  const hives = [aHive("a", { models: [aModel()] }), aHive("b", { models: [aModel({ id: "other" })], workers: [] })];
  const refusal = (hive_id: string, model: string) => chosen(aWant({ hive_id, model }), hives);
  expect(refusal("b", "bee")).toMatchObject({ problem: { detail: 'b does not have "bee"; there is other' } });
  expect(refusal("auto", "wasp")).toMatchObject({ problem: { detail: 'no hive has "wasp"; there are bee, other' } });
});

describe("every fleet of two hives", () => {
  const links = ["open", "draining", "away"] as const;
  const states = ["ready", "retired", "starting", "draining", "dead", "none"] as const;
  const options = [true, false];
  interface Kind {
    readonly link: (typeof links)[number];
    readonly state: (typeof states)[number];
    readonly busy: boolean;
    readonly file: boolean;
    readonly label: boolean;
  }
  const kinds: Kind[] = links.flatMap((link) =>
    states.flatMap((state) =>
      options.flatMap((busy) =>
        options.flatMap((file) => options.map((label) => ({ link, state, busy, file, label }))),
      ),
    ),
  );
  const worker = (state: Kind["state"]): WorkerInfo[] =>
    state === "none" ? [] : [aWorker({ slots: 1, state: state === "retired" ? "ready" : state })];
  const hive = (hive_id: string, { link, state, file, label }: Kind): Hive =>
    aHive(
      hive_id,
      { workers: worker(state), models: file ? [aModel()] : [], slots_default: 1 },
      { connected: link !== "away", draining: link === "draining", labels: label ? ["gpu"] : [] },
    );
  const may = (kind: Kind, want: Want): boolean =>
    kind.link === "open" && (want.hive_labels === undefined || kind.label) && (kind.file || kind.state !== "none");
  const hasSlot = (kind: Kind): boolean => kind.state === "ready" && !kind.busy;
  const mayLoad = (kind: Kind): boolean => kind.state !== "ready" && kind.state !== "retired" && !kind.busy;

  test.each([
    ["anywhere", aWant()],
    ["on a labelled hive", aWant({ hive_labels: ["gpu"] })],
    ["on one hive", aWant({ hive_id: "a" })],
    ["on one worker", aWant({ worker_id: WORKER })],
  ])("%s", (_, want) => {
    const wrong: unknown[] = [];
    for (const a of kinds)
      for (const b of kinds) {
        const both = { a, b };
        const occupancy = new Occupancy();
        for (const [hive_id, kind] of Object.entries(both)) {
          const worker_id = kind.state === "ready" || kind.state === "retired" ? { worker_id: WORKER } : {};
          if (kind.busy) occupancy.add(aWant(), { hive_id, ...worker_id });
        }
        const isRetired = (hive_id: string) => both[hive_id as "a" | "b"].state === "retired";
        const choice = choose(want, new FleetView([hive("a", a), hive("b", b)], isRetired), { occupancy });
        const open = Object.entries(both).filter(
          ([hive_id, kind]) => (want.hive_id === "auto" || want.hive_id === hive_id) && may(kind, want),
        );
        const free = open.filter(([, kind]) => hasSlot(kind)).map(([hive_id]) => hive_id);
        const loaders = open.filter(([, kind]) => mayLoad(kind)).map(([hive_id]) => hive_id);
        const allowed = free.length > 0 ? free : want.worker_id === undefined ? loaders : [];
        const placed = choice.kind === "place" ? choice.placement.hive_id : undefined;
        const right = allowed.length === 0 ? placed === undefined : placed !== undefined && allowed.includes(placed);
        if (!right) wrong.push({ a, b, choice, allowed });
      }
    expect(wrong.slice(0, 3)).toEqual([]);
  });
});

describe("among workers", () => {
  const two = () => [
    aHive("a", { workers: [aWorker({ slots: 4 })] }),
    aHive("b", { workers: [aWorker({ slots: 2 })] }),
  ];

  test("the one with the smallest share of its slots taken", () => {
    expect(outcome(chosen(aWant(), two(), { occupancy: held(["a", WORKER], ["b", WORKER]) }))).toBe("a");
    expect(outcome(chosen(aWant(), two(), { occupancy: held(["a", WORKER], ["a", WORKER], ["a", WORKER]) }))).toBe("b");
  });

  test("the conversation's own while it has room, even if it is the fuller one; else any other", () => {
    const seat = { hive_id: "b", worker_id: WORKER };
    expect(chosen(aWant(), two(), { occupancy: held(["b", WORKER]), seat })).toMatchObject({
      how: "conversation",
      placement: seat,
    });
    expect(chosen(aWant(), two(), { occupancy: held(["b", WORKER], ["b", WORKER]), seat })).toMatchObject({
      how: "free",
      placement: { hive_id: "a" },
    });
    expect(chosen(aWant({ hive_id: "a" }), two(), { seat })).toMatchObject({ placement: { hive_id: "a" } });
  });

  test("among equally free ones the one that holds fewer conversations", () => {
    const conversationsOn = (hive_id: string) => (hive_id === "a" ? 9 : 1);
    expect(outcome(chosen(aWant(), two(), { conversationsOn }))).toBe("b");
  });

  test("a label nobody has is refused with those there are", () => {
    const hives = [aHive("a", {}, { labels: ["home", "gpu"] })];
    expect(outcome(chosen(aWant({ hive_labels: ["gpu", "home"] }), hives))).toBe("a");
    expect(chosen(aWant({ hive_labels: ["office"] }), hives)).toMatchObject({
      problem: { code: "hive_not_found", detail: expect.stringContaining("there are home, gpu") as string },
    });
  });
});

describe("loading", () => {
  const cold = (hive_id: string, free: number, total = free): Hive =>
    aHive(hive_id, { workers: [], models: [aModel({ size_bytes: 8 * GIB })], devices: [aDevice(free, total)] });

  test("many at once for a cold model: one hive loads it, until its slots are taken", () => {
    const hives = ["a", "b", "c"].map((hive_id) => {
      const hive = cold(hive_id, 24 * GIB);
      return { ...hive, inventory: { ...hive.inventory!, slots_default: 64 } };
    });
    const occupancy = new Occupancy();
    const places = Array.from({ length: 65 }, (_, i) => {
      const want = aWant({ model: i % 2 === 0 ? "bee" : "bee:f16" });
      const choice = chosen(want, hives, { occupancy });
      if (choice.kind === "place") occupancy.add(want, choice.placement);
      return outcome(choice);
    });
    expect(new Set(places.slice(0, 64))).toEqual(new Set([places[0]]));
    expect(places[64]).not.toBe(places[0]);
  });

  test("[PLACE-1] whatever name they ask by, jobs of one load share its slots", () => {
    const hives = [aHive("a", { workers: [], models: [aModel({ id: "bee:f16" })] })];
    expect(outcome(chosen(aWant({ model: "bee" }), hives, { occupancy: held(["a", undefined, "bee:f16"]) }))).toBe("a");
    const full = held(["a", undefined, "bee:f16"], ["a", undefined, "bee"]);
    for (const model of ["bee", "bee:f16"])
      expect(outcome(chosen(aWant({ model }), hives, { occupancy: full }))).toContain("busy");
  });

  test("where there is memory to spare, first", () => {
    expect(outcome(chosen(aWant(), [cold("small", 6 * GIB, 24 * GIB), cold("large", 10 * GIB)]))).toBe("large");
  });

  test("a starting worker's slots count, as many as it will have", () => {
    const hives = [aHive("a", { workers: [aWorker({ state: "starting", slots: 3 })], slots_default: 1 })];
    const loading = (jobs: number) =>
      held(...Array.from({ length: jobs }, () => ["a", undefined] as [string, undefined]));
    expect(outcome(chosen(aWant(), hives, { occupancy: loading(2) }))).toBe("a");
    expect(outcome(chosen(aWant(), hives, { occupancy: loading(3) }))).toContain("busy");
  });

  test("what is being loaded has its memory already", () => {
    const hive = cold("a", 12 * GIB, 24 * GIB);
    const models = [aModel({ id: "wasp", size_bytes: 8 * GIB }), aModel({ size_bytes: 8 * GIB })];
    const loading = { ...hive, inventory: { ...hive.inventory!, models } };
    // Of two with room the one with fewer jobs would be taken.
    const others = held(["b", "worker-x", "hornet"], ["b", "worker-x", "hornet"]);
    const hives = [loading, cold("b", 9 * GIB)];
    expect(outcome(chosen(aWant(), hives, { occupancy: others }))).toBe("a");
    others.add(aWant({ model: "wasp" }), { hive_id: "a" });
    expect(outcome(chosen(aWant(), hives, { occupancy: others }))).toBe("b");
  });

  test("where idle workers would have to go, next; where busy ones would, it waits for them", () => {
    const hive = aHive("a", {
      workers: [aWorker({ model: "wasp", device: "cuda:0" })],
      models: [aModel({ size_bytes: 8 * GIB }), aModel({ id: "wasp", size_bytes: 8 * GIB })],
      devices: [aDevice(4 * GIB, 12 * GIB)],
    });
    expect(outcome(chosen(aWant(), [cold("small", 6 * GIB), hive]))).toBe("a");
    expect(outcome(chosen(aWant(), [hive], { occupancy: held(["a", WORKER, "wasp"]) }))).toContain(
      "no hive has memory",
    );
    expect(outcome(chosen(aWant(), [hive, cold("b", 10 * GIB)]))).toBe("b");
  });

  test("a hive that seems too small is asked when there is no other: its refusal has the numbers", () => {
    expect(outcome(chosen(aWant(), [cold("a", 1 * GIB)]))).toBe("a");
  });

  test("beside a busy worker of the model another hive loads it too", () => {
    const hives = [aHive("a", { workers: [aWorker({ slots: 1 })] }), cold("b", 10 * GIB)];
    expect(chosen(aWant(), hives, { occupancy: held(["a", WORKER]) })).toMatchObject({
      how: "load",
      placement: { hive_id: "b" },
    });
  });

  test("[EVICT-1] a worker that is held makes no room: not while it is pinned, and not before it was used", () => {
    const keeps = (worker: Partial<WorkerInfo>) =>
      aHive("a", {
        workers: [aWorker({ model: "wasp", device: "cuda:0", memory_bytes: 8 * GIB, ...worker })],
        models: [aModel({ size_bytes: 8 * GIB })],
        devices: [aDevice(4 * GIB, 12 * GIB)],
      });
    const [roomy, busy] = [cold("b", 10 * GIB), held(["b", "worker-x", "hornet"], ["a", WORKER, "wasp"])];
    expect(outcome(chosen(aWant(), [keeps({}), cold("b", 1 * GIB)]))).toBe("a");
    for (const held of ["pinned", "unserved"] as const)
      expect(outcome(chosen(aWant(), [keeps({ held }), roomy]))).toBe("b");
    // What is busy goes sooner or later; what is pinned does not, and its hive says so.
    expect(outcome(chosen(aWant(), [keeps({})], { occupancy: busy }))).toContain("no hive has memory");
    expect(outcome(chosen(aWant(), [keeps({ held: "pinned" })], { occupancy: busy }))).toBe("a");
  });
});

describe("[PULL-1] a model that nobody has", () => {
  const model = "org/bees:Q4_K_M";
  const puller = (hive_id: string, over: Partial<Hive> = {}) =>
    aHive(hive_id, { models: [], workers: [], pulls: true, slots_default: 2 }, over);

  test("goes to a hive whose owner lets requests fetch models, if the hub can be asked for it", () => {
    const hives = [aHive("a", { models: [], workers: [] }), puller("b")];
    expect(outcome(chosen(aWant({ model }), hives))).toBe("b");
    expect(outcome(chosen(aWant({ model: "bees" }), hives))).toBe("model_not_found");
    expect(outcome(chosen(aWant({ model }), hives.slice(0, 1)))).toBe("model_not_found");
    expect(outcome(chosen(aWant({ model, hive_id: "a" }), hives))).toBe("model_not_found");
    expect(outcome(chosen(aWant({ model }), [puller("b", { connected: false })]))).toBe("model_not_found");
  });

  test("is fetched by one hive: the others who want it go there, or wait", () => {
    const hives = [puller("a"), puller("b"), puller("c")];
    const fetching = (jobs: number) =>
      held(...Array.from({ length: jobs }, () => ["b", undefined, model] as [string, undefined, string]));
    expect(outcome(chosen(aWant({ model }), hives, { occupancy: fetching(1) }))).toBe("b");
    expect(outcome(chosen(aWant({ model }), hives, { occupancy: fetching(2) }))).toContain("busy");
  });
});
