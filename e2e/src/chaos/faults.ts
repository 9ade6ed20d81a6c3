import { setTimeout as delay } from "node:timers/promises";
import { limits } from "@rbee/contracts";
import { freeze, killAll, thaw } from "../process.ts";
import type { Random } from "./random.ts";
import type { Workload } from "./workload.ts";
import { until, type World } from "./world.ts";

export const processFaults = [
  "kill-agent",
  "kill-queen",
  "kill-worker",
  "kill-both",
  "stop-agent",
  "stop-queen",
  "stop-worker",
  "cut",
  "away",
  "swallow",
  "hold",
  "oversize",
] as const;
export type ProcessFault = (typeof processFaults)[number];

/** Stopped or cut off for less than this: well within a lease. */
const PAUSE_MS_MAX = 4_000;

/** More than the protocol allows in one message. */
const OVERSIZE = "x".repeat(limits.frame_bytes_max + 1);

/** A lease: whoever has not felt it by then is lost, and told. */
const FELT_WITHIN_MS = limits.lease_ms + 5_000;

interface FaultContext {
  readonly world: World;
  readonly workload: Workload;
  readonly random: Random;
  readonly hives: readonly string[];
  /** Hives whose workers may be killed: a real engine is cold after that, and says something else. */
  readonly expendable: readonly string[];
  /** Lets every stream get over a kill before the next one, so that each gap has one cause. */
  readonly patient: boolean;
}

/** Does it, and is done when what was broken is whole again. @returns how many processes were killed */
export async function strike(fault: ProcessFault, context: FaultContext): Promise<number> {
  const { world, random, hives } = context;
  switch (fault) {
    case "kill-agent":
      return kill("agent", { agent: random.pick(hives) }, context);
    case "kill-queen":
      return kill("queen", { queen: true }, context);
    case "kill-worker":
      return killWorker(random.pick(context.expendable), context);
    case "kill-both":
      return kill("both", { agent: random.pick(hives), queen: true }, context);
    case "stop-agent":
      return pause([world.house.hive(random.pick(hives)).pid], random);
    case "stop-queen":
      return pause(world.house.queenPids(), random);
    case "stop-worker":
      return pause(world.workerPids(random.pick(hives)), random);
    case "cut":
      world.proxy.cut();
      return 0;
    case "away":
      world.proxy.break();
      await delay(random.int(50, PAUSE_MS_MAX));
      world.proxy.mend();
      return 0;
    case "swallow":
      context.workload.excuse("path_dead");
      world.proxy.swallow();
      return 0;
    case "hold":
      world.proxy.hold();
      await delay(random.int(50, PAUSE_MS_MAX));
      world.proxy.release();
      return 0;
    case "oversize":
      if (world.proxy.links().length > 0) random.pick(world.proxy.links()).say(OVERSIZE);
      return 0;
  }
}

interface Victims {
  /** Name of its hive. */
  readonly agent?: string;
  readonly queen?: true;
}

/** Kills at once, and starts again at once. Streams that need what was killed are back when all of it is. */
async function kill(what: string, { agent, queen }: Victims, context: FaultContext): Promise<number> {
  const { world, workload, patient } = context;
  const { house } = world;
  const killed = [
    ...(agent === undefined ? [] : [house.hive(agent).kill("SIGKILL")]),
    ...(queen === undefined ? [] : [house.killQueen()]),
  ];
  await Promise.all(killed);
  const streams = workload.midstream(agent);
  const back = streams.map((stream) => stream.outage(what));
  await Promise.all([
    ...(agent === undefined ? [] : [world.startHive(agent)]),
    ...(queen === undefined ? [] : [world.startQueen()]),
  ]);
  for (const isBack of back) isBack();
  const waiting = () => streams.filter((stream) => stream.waiting).length;
  if (patient) await until(waiting, (left) => left === 0, FELT_WITHIN_MS);
  return killed.length;
}

/** Its agent starts another when a job needs one. */
async function killWorker(name: string, { world, workload, random }: FaultContext): Promise<number> {
  const pids = world.workerPids(name);
  if (pids.length === 0) return 0;
  workload.excuse("worker_killed", name);
  // Nothing comes back for its streams: what counts is how soon they are told.
  for (const clock of workload.midstream(name)) clock.outage("worker")();
  killAll([random.pick(pids)]);
  return 1;
}

async function pause(pids: readonly number[], random: Random): Promise<number> {
  freeze(pids);
  await delay(random.int(50, PAUSE_MS_MAX));
  thaw(pids);
  return 0;
}
