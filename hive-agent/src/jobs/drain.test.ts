import { limits, RbeeError } from "@rbee/contracts";
import { expect, test } from "vitest";
import { playing, token } from "../link/testing/handlers.ts";
import { LaneBench } from "../link/testing/lane-bench.ts";

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test("[AGENT-21] what has not begun when the hive drains is refused at once, for another to run", async () => {
  const bench = LaneBench.running(
    // oxlint-disable-next-line require-yield
    playing(async function* ({ draining }) {
      await new Promise((_, reject) => draining.addEventListener("abort", () => reject(draining.reason as Error)));
      return { models: [] };
    }),
  );
  bench.jobs.drain();
  await turn();
  bench.clock.advance(0);
  expect(bench.dial.last.take()).toMatchObject([
    { t: "end", final: 0, outcome: { status: "refused", error: { code: "draining" } } },
  ]);
});

test("[AGENT-21] what has begun goes on, what comes is refused", async () => {
  const go = Promise.withResolvers<void>();
  const bench = LaneBench.running(
    playing(async function* () {
      yield token("a");
      await go.promise;
      return { models: [] };
    }),
  );
  bench.jobs.drain();
  await turn();
  bench.clock.advance(limits.coalesce_max_ms);
  expect(bench.kinds()).toEqual(["ev"]);
  go.resolve();
  await turn();
  bench.clock.advance(limits.coalesce_max_ms);
  expect(bench.dial.last.take()).toMatchObject([{ t: "end", outcome: { status: "succeeded" } }]);
  bench.begin(3);
  bench.open(0);
  expect(bench.dial.last.take().at(-1)).toMatchObject({ t: "end", outcome: { status: "refused" } });
});

test("[AGENT-24] what finds everything busy is handed back", async () => {
  const bench = LaneBench.running(
    // oxlint-disable-next-line require-yield
    playing(async function* () {
      throw new RbeeError("worker_busy", "no room");
    }),
  );
  await turn();
  bench.clock.advance(0);
  expect(bench.dial.last.take()).toMatchObject([
    { t: "end", final: 0, outcome: { status: "refused", error: { code: "worker_busy" } } },
  ]);
});
