import fc from "fast-check";
import { cpuOf } from "../../../bench/src/cpu.ts";
import { startHub } from "../../../hive-agent/src/models/testing/hub.ts";
import { House } from "../house.ts";
import type { WireFrame } from "./arbitraries.ts";
import { diallings, dialWith } from "./dials.ts";
import { httpInputs, request } from "./http.ts";
import { controlBursts, ControlTarget, laneBursts, LaneTarget } from "./links.ts";
import { rawInputs, send } from "./raw.ts";
import { RawHive } from "./sockets.ts";
import { Witness } from "./witness.ts";

export interface Amount {
  /** Frames, requests and raw connections in all. */
  readonly inputs: number;
  readonly seed: number;
}

type Kind = "control" | "lane" | "dial" | "http" | "raw";

export interface Figures {
  readonly inputs: Readonly<Record<Kind, number>>;
  readonly ms: number;
  /** Processor time of the queen: says the same on a busy machine. */
  readonly queen_cpu_ms: number;
  readonly witness_tokens: number;
}

/** Targets of a kind that work beside each other: the queen is never asked one thing at a time. */
const SIDE_BY_SIDE = 4;
const NAMES = Array.from({ length: SIDE_BY_SIDE }, (_, n) => n);
const SHARE: Readonly<Record<Kind, number>> = { control: 0.4, lane: 0.35, dial: 0.05, http: 0.15, raw: 0.05 };
/** Inputs of one try: a burst of frames, on average, or one request. */
const BURST: Readonly<Record<Kind, number>> = { control: 6, lane: 6, dial: 1, http: 1, raw: 1 };

/** Throws malformed inputs at a real queen. @throws with the smallest input found that harms her, or anyone else */
export async function fuzz(amount: Amount): Promise<Figures> {
  // What asks the hub asks one that is there: the wide world is not part of this.
  const hub = await startHub();
  const house = await House.open({ HF_ENDPOINT: hub.url });
  const witness = new Witness(house);
  try {
    await witness.start();
    const targets = await targetsOf(house);
    const run = new Run(amount, witness);
    const cpu = () => cpuOf({ queen: house.queenPids()[0] ?? 0, agent: 0, workers: [] }).queen;
    const [began, cpuBefore] = [performance.now(), cpu()];
    await run.all(targets);
    const ms = performance.now() - began;
    const queen_cpu_ms = cpu() - cpuBefore;
    for (const { finish } of targets) await finish?.();
    await witness.finish();
    return { inputs: run.counts, ms: Math.round(ms), queen_cpu_ms, witness_tokens: witness.tokens };
  } finally {
    witness.close();
    await house.close();
    await hub.close();
  }
}

interface Target {
  readonly kind: Kind;
  /** Throws one input, of the run's own making. @returns how many it counts as */
  readonly property: (around: (thrown: Promise<unknown>, count: number) => Promise<void>) => fc.IAsyncProperty<[never]>;
  readonly finish?: () => Promise<void>;
}

function target<T>(kind: Kind, inputs: fc.Arbitrary<T>, take: (input: T) => Promise<void>): Target {
  const count = (input: T): number => (kind === "control" || kind === "lane" ? (input as WireFrame[]).length : 1);
  return {
    kind,
    property: (around) =>
      fc.asyncProperty(inputs, (input) => around(take(input), count(input))) as unknown as fc.IAsyncProperty<[never]>,
  };
}

async function targetsOf(house: House): Promise<Target[]> {
  const hive = (kind: Kind, n: number) => RawHive.enrol(house, `fuzz-${kind}-${n}`);
  const controls = await Promise.all(NAMES.map(async (n) => new ControlTarget(await hive("control", n))));
  const lanes = await Promise.all(NAMES.map(async (n) => new LaneTarget(await hive("lane", n))));
  const op = await (await RawHive.enrol(house, "fuzz-dial")).job();
  return [
    ...controls.map((one) => ({
      ...target("control", controlBursts, (burst) => one.take(burst)),
      finish: () => one.finish(),
    })),
    ...lanes.map((one) => ({ ...target("lane", laneBursts, (burst) => one.take(burst)), finish: () => one.finish() })),
    ...NAMES.map(() => target("dial", diallings(op), (one) => dialWith(house, one))),
    ...NAMES.map(() => target("http", httpInputs, (input) => request(house, input))),
    ...NAMES.map(() => target("raw", rawInputs, (bytes) => send(house, bytes))),
  ];
}

class Run {
  readonly counts: Record<Kind, number> = { control: 0, lane: 0, dial: 0, http: 0, raw: 0 };
  readonly #amount: Amount;
  readonly #witness: Witness;
  /** Where something went wrong first: there it is made smaller, the rest falls silent. */
  #failing: Target | undefined;

  constructor(amount: Amount, witness: Witness) {
    this.#amount = amount;
    this.#witness = witness;
  }

  async all(targets: readonly Target[]): Promise<void> {
    const results = await Promise.allSettled(targets.map((one, n) => this.#one(one, n)));
    for (const result of results) if (result.status === "rejected") throw result.reason as Error;
  }

  async #one(one: Target, n: number): Promise<void> {
    const { inputs, seed } = this.#amount;
    const numRuns = Math.ceil((inputs * SHARE[one.kind]) / BURST[one.kind] / SIDE_BY_SIDE);
    const property = one.property(async (thrown, count) => {
      try {
        await thrown;
        this.#witness.check();
        this.counts[one.kind] += count;
      } catch (error) {
        this.#failing ??= one;
        if (this.#failing === one) throw error;
      }
    });
    await fc.assert(property, { numRuns, seed: seed + n });
  }
}
