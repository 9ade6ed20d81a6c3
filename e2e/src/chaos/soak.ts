import { setTimeout as delay } from "node:timers/promises";
import { judge } from "./checker.ts";
import { processFaults, strike, type ProcessFault } from "./faults.ts";
import type { Gap } from "./gaps.ts";
import type { JobRecord } from "./ledger.ts";
import { diceOf, frameFaults, type FrameFault } from "./proxy/faults.ts";
import { Random } from "./random.ts";
import { Workload, type RealPrompt } from "./workload.ts";
import { REAL_HIVE, until, World } from "./world.ts";

export type Fault = ProcessFault | FrameFault;
export const faultKinds: readonly Fault[] = [...processFaults, ...frameFaults];

export interface SoakOptions {
  readonly seed: number;
  /** How long things are broken; what is open then gets the time it needs. */
  readonly minutes: number;
  /** Ends earlier when so many processes were killed. */
  readonly kills?: number | undefined;
  readonly only: readonly Fault[];
  /** One kill at a time: slower, but each gap that is measured has one cause. */
  readonly patient: boolean;
  /** With a hive that runs a real engine. */
  readonly real: boolean;
  readonly say: (line: string) => void;
}

export interface Outcome {
  readonly seed: number;
  readonly seconds: number;
  readonly records: readonly JobRecord[];
  readonly faults: Readonly<Record<string, number>>;
  readonly kills: number;
  readonly gaps: readonly Gap[];
  /** How long each half-open line was taken for a good one. */
  readonly half_open_ms: readonly number[];
  readonly violations: readonly string[];
}

const HIVES = ["ant", "bee"];
const JOBS = 8;
/** Between two faults: often still in the wake of the last one. */
const PAUSE_MS = { least: 200, patient: 800, most: 2_500 };
const FRAME_FAULTS = 0.01;
/** Longer than every wait the protocol knows, one after the other: half-open, lease, take-up, grace, audit. */
const OVER_WITHIN_MS = 240_000;
const SETTLED_WITHIN_MS = 150_000;
const PROGRESS_MS = 15_000;

/** Breaks things for a while under a stream of jobs, then reads everything and says what is wrong. */
export async function soak(options: SoakOptions): Promise<Outcome> {
  const began = performance.now();
  const random = new Random(options.seed);
  const world = await World.open(options.seed);
  const violations: string[] = [];
  let broken: Broken;
  let workload: Workload | undefined;
  let half_open_ms: readonly number[];
  try {
    await Promise.all(HIVES.map((name) => world.startHive(name)));
    const real = options.real ? await realPrompt(world) : undefined;
    workload = new Workload(world, random.fork(), { jobs: JOBS, hives: HIVES, real });
    const running = workload
      .run()
      .catch((error: unknown) => void violations.push(`the workload broke: ${String(error)}`));
    broken = await breakThings(options, { world, workload, random });
    violations.push(...broken.violations);
    workload.end();
    violations.push(...(await endInTime(running, workload)));
    violations.push(
      ...(await slotsLeft(world).catch((error: unknown) => [`the queen does not answer: ${String(error)}`])),
    );
    half_open_ms = [...world.proxy.found_ms];
  } finally {
    const left = await world.close();
    if (left.length > 0) violations.push(`processes are left: ${left.join(", ")}`);
  }
  violations.push(...workload.refused.map((why) => `refused: ${why}`));
  for (const record of workload.records) violations.push(...judge(record));
  return {
    seed: options.seed,
    seconds: (performance.now() - began) / 1000,
    records: workload.records,
    faults: { ...broken.faults, ...world.proxy.met },
    kills: broken.kills,
    gaps: workload.gaps,
    half_open_ms,
    violations,
  };
}

interface Broken {
  readonly faults: Record<string, number>;
  readonly kills: number;
  readonly violations: readonly string[];
}

async function breakThings(
  { minutes, kills: enough = Infinity, only, real, patient, say }: SoakOptions,
  { world, workload, random }: { world: World; workload: Workload; random: Random },
): Promise<Broken> {
  const faults: Record<string, number> = {};
  const ofProcesses = processFaults.filter((fault) => only.includes(fault));
  const ofFrames = frameFaults.filter((fault) => only.includes(fault));
  world.proxy.dice = diceOf(random.fork(), ofFrames, FRAME_FAULTS);
  const context = { world, workload, random, hives: real ? [...HIVES, REAL_HIVE] : HIVES, expendable: HIVES, patient };
  const end = performance.now() + minutes * 60_000;
  let [kills, said] = [0, performance.now()];
  const violations: string[] = [];
  while (performance.now() < end && kills < enough && violations.length === 0) {
    await delay(random.int(PAUSE_MS.least, patient ? PAUSE_MS.patient : PAUSE_MS.most));
    if (performance.now() - said >= PROGRESS_MS) {
      said = performance.now();
      const left = Math.max(0, Math.round((end - said) / 1000));
      say(`${left} s left: ${workload.records.length} jobs over, ${kills} kills`);
    }
    if (ofProcesses.length === 0) continue;
    const fault = random.pick(ofProcesses);
    // No real path dies again before anyone can have noticed: a job would have lost all its tries to it.
    if (fault === "swallow" && world.proxy.swallowing) continue;
    faults[fault] = (faults[fault] ?? 0) + 1;
    // A process that does not come back is a finding, and the end of this run.
    kills += await strike(fault, context).catch((error: unknown) => (violations.push(String(error)), 0));
  }
  world.proxy.dice = undefined;
  return { faults, kills, violations };
}

async function endInTime(running: Promise<void>, workload: Workload): Promise<string[]> {
  const over = new AbortController();
  const inTime = await Promise.race([
    running.then(() => true),
    delay(OVER_WITHIN_MS, false, { signal: over.signal }).catch(() => false),
  ]);
  over.abort();
  if (inTime) return [];
  const hanging = workload.giveUp();
  await running;
  return hanging.map((job) => `never ended: ${job}`);
}

/** Every slot is free again and nothing waits. */
async function slotsLeft(world: World): Promise<string[]> {
  const ask = async () => {
    const { workers, queue } = await world.house.client().run("status", {});
    return { busy: workers.reduce((sum, worker) => sum + worker.slots_busy, 0), ...queue };
  };
  const free = (left: Awaited<ReturnType<typeof ask>>) => left.busy + left.queued + left.running === 0;
  const left = await until(ask, free, SETTLED_WITHIN_MS);
  return free(left) ? [] : [`left after all jobs were over: ${JSON.stringify(left)}`];
}

/** Starts the hive with the real engine, and warms it up: its very first run of a prompt may differ in the last bits. */
async function realPrompt(world: World): Promise<RealPrompt> {
  await world.startHive(REAL_HIVE);
  const input = {
    model: "bee-tiny",
    hive_id: REAL_HIVE,
    prompt: "List bees",
    temperature: 0,
    max_tokens: 300,
    response_format: {
      type: "json_schema" as const,
      schema: { type: "array", items: { type: "string", minLength: 900 }, minItems: 9 },
    },
  };
  await world.house.client().run("infer", input);
  const { text } = await world.house.client().run("infer", input);
  return { input, text };
}
