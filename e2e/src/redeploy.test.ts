import { limits } from "@rbee/contracts";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Backoff } from "../../hive-agent/src/link/backoff.ts";
import { House } from "./house.ts";
import { LATE_MS } from "../../contracts/src/testing/late.ts";
import { MODEL, Swarm, textOf } from "./swarm.ts";

const HIVES = 100;
const TOKENS = 40;
const EVERY_MS = 250;
const BUCKET_MS = 100;
/**
 * Control lines come back over a first window of two seconds, lanes over one of a quarter of a second: without a herd a
 * bucket holds about 5 and 40 of a hundred; a herd would be all 200 in one.
 */
const DIALS_PER_BUCKET_MAX = 150;

let house: House;
const swarm = new Swarm(EVERY_MS);

beforeAll(async () => {
  house = await House.open();
  for (let n = 0; n < HIVES; n++) await swarm.join(house, `hive-${n}`);
  await swarm.connected(HIVES);
});
afterAll(async () => {
  swarm.close();
  await house.close();
});

/** Reads one answer; `onToken` is told of each. */
async function ask(n: number, onToken: (seen: number) => void): Promise<string> {
  let text = "";
  let seen = 0;
  const input = { model: MODEL, prompt: "count", max_tokens: TOKENS, hive_id: `hive-${n}` };
  const result = await house.client().run("infer", input, {
    onEvent: (event) => {
      if (event.type !== "token") return;
      text += event.text;
      onToken(++seen);
    },
  });
  expect(result.text).toBe(text);
  return text;
}

/** Dials after a moment, per bucket of time. */
function histogram(since: number): number[] {
  const counts: number[] = [];
  for (const { at } of swarm.dials.filter(({ at }) => at >= since)) {
    const bucket = Math.floor((at - since) / BUCKET_MS);
    counts[bucket] = (counts[bucket] ?? 0) + 1;
  }
  return Array.from(counts, (count) => count ?? 0);
}

/** When the last is back of those who dial once in each window from the cut on, if the queen was away for so long. */
function backBy(away_ms: number): number {
  const backoff = new Backoff(limits.reconnect_min_ms, limits.reconnect_max_ms);
  backoff.held();
  let end = 0;
  while (end <= away_ms) end += backoff.next(end, 1);
  // Who dialled in vain in the window in which she came back dials anew in the next one.
  return end + backoff.next(end, 1);
}

test("[AGENT-14] a deploy under a hundred working hives: all are back soon, not all at once, and no job notices", async () => {
  const begun = Promise.withResolvers<void>();
  let speaking = 0;
  const answers = Array.from({ length: HIVES }, (_, n) =>
    ask(n, (seen) => {
      if (seen === 3 && ++speaking === HIVES) begun.resolve();
    }),
  );
  await Promise.race([begun.promise, Promise.all(answers)]);
  const cutAt = performance.now();
  await house.killQueen();
  await house.startQueen();
  const upAt = performance.now();
  await swarm.connected(HIVES);
  const lastAt = Math.max(...swarm.connectedAt.values());
  for (const text of await Promise.all(answers)) expect(text).toBe(textOf(TOKENS));
  const dials = histogram(cutAt);
  const last = Math.ceil((lastAt - cutAt) / BUCKET_MS);
  process.stderr.write(
    `queen up after ${Math.round(upAt - cutAt)} ms, all ${HIVES} hives back ${Math.round(lastAt - upAt)} ms later; dials per ${BUCKET_MS} ms: ${dials.slice(0, last).join(" ")}\n`,
  );
  expect(lastAt - cutAt).toBeLessThan(backBy(upAt - cutAt) + LATE_MS);
  expect(Math.max(...dials)).toBeLessThan(DIALS_PER_BUCKET_MAX);
  // A client has its answer a moment before the books have.
  const states = async () => new Set((await house.client().list({ limit: 200 })).map(({ state }) => state));
  await expect.poll(states).toEqual(new Set(["succeeded"]));
});
