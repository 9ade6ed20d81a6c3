import { limits } from "@rbee/contracts";
import { expect, test } from "vitest";
import { playing, token } from "../link/testing/handlers.ts";
import { LaneBench } from "../link/testing/lane-bench.ts";
import { op } from "./testing.ts";

/** A handler that makes a token whenever it is let, and counts them. */
function counting() {
  const made = { tokens: 0, ended: false };
  const handlers = playing(async function* ({ signal }) {
    try {
      for (;;) {
        signal.throwIfAborted();
        made.tokens += 1;
        yield token(String(made.tokens));
        await new Promise((resolve) => setImmediate(resolve));
      }
    } finally {
      made.ended = true;
    }
  });
  return { made, handlers };
}

const turns = async (many: number): Promise<void> => {
  for (let n = 0; n < many; n++) await new Promise((resolve) => setImmediate(resolve));
};

/** A job that makes tokens, and a queen that stopped answering `unacked_age_ms_max` ago. */
async function cutOff() {
  const { made, handlers } = counting();
  const bench = LaneBench.running(handlers);
  await turns(20);
  bench.clock.advance(limits.coalesce_max_ms);
  expect(made.tokens).toBeGreaterThan(10);
  bench.clock.freeze(limits.unacked_age_ms_max);
  await turns(3);
  const paused = made.tokens;
  await turns(20);
  expect(made.tokens).toBe(paused);
  return { made, bench, paused };
}

test("[AGENT-23] what nobody acknowledges for long holds the handler; her next word lets it go on, and nothing is missing", async () => {
  const { made, bench, paused } = await cutOff();
  bench.clock.advance(limits.lane_reconnect_max_ms);
  bench.open(0);
  const sent = bench.dial.last.take().flatMap((frame) => ("items" in frame ? (frame["items"] as string[]) : []));
  expect(sent).toEqual(Array.from({ length: paused }, (_, n) => String(n + 1)));
  await turns(20);
  expect(made.tokens).toBeGreaterThan(paused + 10);
});

test("[AGENT-23] a handler that is held hears a cancel", async () => {
  const { made, bench } = await cutOff();
  bench.jobs.cancel(op());
  await turns(5);
  expect(made.ended).toBe(true);
});
