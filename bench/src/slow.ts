import { setTimeout as delay } from "node:timers/promises";
import type { Amount } from "./amount.ts";
import type { Fleet } from "./fleet.ts";
import { streams } from "./scenarios.ts";
import { median, round } from "./stats.ts";

/*
 * Clients that open a stream and never read it. What they do not take must not pile up at the queen, and nobody else may
 * feel them.
 */

const READERS = 100;
const OTHERS = 16;
const ROUNDS = 3;
/** 400 kB a second, for longer than all rounds take: more than the sockets' own buffers hold is there before the first reader comes. */
const HEAVY = { model: "synthetic", prompt: "every=10 size=4000", max_tokens: 32_768 } as const;
const HEAD_START_MS = 15_000;
/**
 * Until every buffer on the way to the readers is full the queen works for them; then she is as busy as before. A look is
 * long: in a short one a busy machine may give her next to no turn.
 */
const LOOK_MS = 3_000;
const LOOKS_MAX = 20;
const AS_BEFORE = 1.2;
/** A fiftieth of a core, in milliseconds a look: less says nothing, on a fast machine it is as much as all she does. */
const NOTHING_MS = LOOK_MS / 50;

export interface StalledReaders {
  /** Of the queen's memory, while they are stalled. */
  readonly growth_mb: number;
  /** p99 of the other streams' token latency with them, divided by that without: the median of some rounds. */
  readonly p99_ratio: number;
  readonly p99_without_ms: number;
}

export async function stalledReaders(fleet: Fleet, amount: Amount): Promise<StalledReaders> {
  const { queen } = fleet;
  const job_id = await queen.submit(HEAVY);
  await delay(HEAD_START_MS);
  const p99 = async () => (await streams(fleet, OTHERS, amount)).latency.p99;
  const without: number[] = [];
  const ratios: number[] = [];
  const before = fleet.queenMemory();
  let most = before;
  for (let n = 0; n < ROUNDS; n++) {
    const alone = await p99();
    const idle = await load(fleet);
    const leave = await Promise.all(Array.from({ length: READERS }, () => queen.stall(job_id)));
    await stalled(fleet, idle);
    ratios.push((await p99()) / alone);
    without.push(alone);
    most = Math.max(most, fleet.queenMemory());
    for (const one of leave) one();
    await delay(LOOK_MS);
  }
  await queen.cancel(job_id);
  return {
    growth_mb: Math.round((most - before) / 1024 ** 2),
    p99_ratio: round(median(ratios)),
    p99_without_ms: round(median(without)),
  };
}

/** Processor time of the queen, in milliseconds, over one look. */
async function load(fleet: Fleet): Promise<number> {
  const { queen } = fleet.cpu();
  await delay(LOOK_MS);
  return fleet.cpu().queen - queen;
}

async function stalled(fleet: Fleet, idle: number): Promise<void> {
  const rest = idle * AS_BEFORE + NOTHING_MS;
  for (let looks = 0; looks < LOOKS_MAX; looks++) if ((await load(fleet)) <= rest) return;
  throw new Error("the queen does not come to rest");
}
