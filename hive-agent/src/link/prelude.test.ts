import { limits } from "@rbee/contracts";
import { describe, expect, test } from "vitest";
import { op } from "../jobs/testing.ts";
import { feed, waits } from "./testing/feed.ts";
import type { Frame } from "./testing/fake-line.ts";
import { LaneBench } from "./testing/lane-bench.ts";

const end = { t: "end", final: 1, outcome: { status: "succeeded", result: { models: [] } } };

function begun() {
  const { handlers, give } = feed();
  const bench = new LaneBench(handlers);
  bench.control = true;
  bench.jobs.op(op());
  const answer = (...frames: Frame[]) => bench.jobs.preludeAnswer({ ...named, frames: frames as never[] });
  return { bench, give, answer };
}

const named = { t: "prelude_answer" as const, job_id: op().job_id, term: 1 };

/** A job that has said everything before its lane is dialled. */
async function short() {
  const { bench, give, answer } = begun();
  await give("a");
  await give();
  bench.clock.advance(0);
  return { bench, answer };
}

describe("a job's first words", () => {
  test("[AGENT-22] a short job is over with one message on the control socket and its answer, without a lane", async () => {
    const { bench, answer } = await short();
    expect(bench.said).toEqual([
      {
        ...named,
        t: "prelude",
        frames: [{ t: "lane_hello", last: 1 }, { t: "ev", first: 1, items: ["a"] }, end],
      },
    ]);
    answer({ t: "ready", acked: 0 }, { t: "ack", acked: 1 }, { t: "end_ack" });
    bench.clock.advance(limits.prelude_answer_ms);
    expect([bench.dial.lines, bench.jobs.held]).toEqual([[], []]);
  });

  test("[AGENT-22] a job that goes on does so on its lane, which says again what is not acknowledged", async () => {
    const { bench, give, answer } = begun();
    await give("a");
    bench.clock.advance(0);
    expect([bench.said.length, bench.dial.lines.length]).toEqual([1, 1]);
    await give("b");
    bench.clock.advance(limits.coalesce_max_ms);
    expect(bench.said.length).toBe(1);
    answer({ t: "ready", acked: 0 }, { t: "ack", acked: 1 });
    bench.dial.last.open();
    expect(bench.dial.last.messages()).toEqual([
      [
        { t: "lane_hello", last: 2 },
        { t: "ev", first: 2, items: ["b"] },
      ],
    ]);
  });

  test("[AGENT-22] whole, but not answered: the lane says it again", async () => {
    const { bench } = await short();
    bench.clock.advance(limits.prelude_answer_ms - 1);
    expect(bench.dial.lines).toEqual([]);
    bench.clock.advance(1);
    bench.dial.last.open();
    expect(bench.messages()).toEqual([["lane_hello", "ev", "end"]]);
    bench.dial.last.say([{ t: "ready", acked: 1 }, { t: "end_ack" }]);
    expect(bench.jobs.held).toEqual([]);
  });

  test("[AGENT-22] a queen that does not take it is asked on the lane, whose answer is final", async () => {
    const { bench, answer } = await short();
    answer();
    bench.dial.last.break({ status: 410 });
    expect([bench.dial.lines.length, bench.jobs.held]).toEqual([1, []]);
  });

  test("[AGENT-22] without a control connection, or after a silence, the lane is dialled", async () => {
    const silent = new LaneBench(waits);
    silent.control = true;
    silent.begin();
    expect([silent.said, silent.dial.lines.length]).toEqual([[], 1]);
    const { bench, give } = begun();
    bench.control = false;
    await give("a");
    bench.clock.advance(0);
    bench.dial.last.open();
    expect(bench.messages()).toEqual([["lane_hello", "ev"]]);
  });

  test("[AGENT-11] a cancel in the answer stops the handler", async () => {
    const { bench, give, answer } = begun();
    await give("a");
    bench.clock.advance(0);
    answer({ t: "ready", acked: 1 }, { t: "cancel" });
    await give();
    bench.clock.advance(0);
    bench.dial.last.open();
    expect(bench.dial.last.take()).toMatchObject([{ last: 1 }, { t: "end", outcome: { status: "cancelled" } }]);
  });
});
