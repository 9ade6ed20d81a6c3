import { afterAll, beforeAll, expect, test } from "vitest";
import { House } from "./house.ts";
import { MODEL, Swarm, textOf } from "./swarm.ts";

const HIVES = 100;
const TOKENS = 40;
const EVERY_MS = 250;
const BACK_WITHIN_MS = 15_000;
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
  // A deploy takes no time of its own; starting her anew on this machine does.
  expect(lastAt - upAt).toBeLessThan(BACK_WITHIN_MS);
  expect(Math.max(...dials)).toBeLessThan(DIALS_PER_BUCKET_MAX);
  // A client has its answer a moment before the books have.
  const states = async () => new Set((await house.client().list({ limit: 200 })).map(({ state }) => state));
  await expect.poll(states).toEqual(new Set(["succeeded"]));
});
