import { limits } from "@rbee/contracts";
import { describe, expect, test } from "vitest";
import { op } from "../jobs/testing.ts";
import { feed, waits } from "./testing/feed.ts";
import { LaneBench } from "./testing/lane-bench.ts";

describe("a lane that breaks", () => {
  test("[AGENT-10] a queen that did not answer for most of her lease gets nothing until she says ready again", async () => {
    const { handlers, give } = feed();
    const { clock, dial } = LaneBench.running(handlers);
    await give("a");
    clock.advance(0);
    dial.last.say({ t: "ack", acked: 1 });
    clock.advance(limits.lane_ping_ms);
    expect(dial.last.take().map(({ t }) => t)).toContain("ping");
    dial.last.say("pong");
    const old = dial.last;
    old.take();
    // The process is stopped for a minute. What it reads first was said long ago, and its first act is to say a token.
    clock.freeze(60_000);
    old.say({ t: "ack", acked: 1 });
    expect(old.state).toBe("terminated");
    old.break();
    await give("zombie");
    clock.advance(0);
    expect(old.sent.filter((text) => text.includes("zombie"))).toEqual([]);
    clock.advance(limits.lane_reconnect_max_ms);
    expect(dial.last).not.toBe(old);
    dial.last.open();
    dial.last.say({ t: "ready", acked: 1 });
    expect(dial.last.take()).toEqual([
      { t: "lane_hello", last: 2 },
      { t: "ev", first: 2, items: ["zombie"] },
    ]);
  });

  test("[AGENT-10] pings go on for as long as they are answered", () => {
    const bench = LaneBench.running(waits);
    for (let round = 0; round < 5; round++) {
      bench.clock.advance(limits.lane_ping_ms);
      expect(bench.kinds()).toEqual(["ping"]);
      bench.dial.last.say("pong");
    }
    const line = bench.dial.last;
    bench.clock.advance(limits.lease_ms);
    expect(line.state).toBe("terminated");
  });

  test("[AGENT-6] nothing is sent on a new line before the queen said where to start; the old line is nobody any more", async () => {
    const { handlers, give } = feed();
    const bench = LaneBench.running(handlers);
    const { clock, dial } = bench;
    const old = dial.last;
    old.break();
    clock.advance(limits.lane_reconnect_max_ms);
    dial.last.open();
    await give("a");
    clock.advance(0);
    expect(bench.kinds()).toEqual(["lane_hello"]);
    old.say({ t: "ready", acked: 0 });
    old.break();
    expect(bench.kinds()).toEqual([]);
    dial.last.say({ t: "ready", acked: 0 });
    expect(bench.kinds()).toEqual(["ev"]);
    expect(dial.lines.length).toBe(2);
  });

  test("[AGENT-6] a queen whose log is ahead of the journal gets the job back", async () => {
    const { handlers, give } = feed();
    const { clock, dial } = LaneBench.running(handlers);
    await give("a");
    clock.advance(0);
    dial.last.break();
    clock.advance(limits.lane_reconnect_max_ms);
    dial.last.open();
    dial.last.say({ t: "ready", acked: 7 });
    clock.advance(0);
    expect(dial.last.take()).toMatchObject([
      { t: "lane_hello", last: 1 },
      { t: "end", outcome: { status: "refused", error: { code: "hive_lost" } } },
    ]);
  });

  test("[AGENT-13] is dialled until the queen's answer is final", () => {
    const { clock, dial, jobs } = new LaneBench(waits);
    jobs.op(op());
    for (const closed of [{ status: 503 }, { code: 1012 }, { code: 1006 }]) {
      const before = dial.lines.length;
      dial.last.break(closed);
      clock.advance(2 * limits.lane_reconnect_max_ms);
      expect(dial.lines.length).toBe(before + 1);
    }
    dial.last.break({ status: 410 });
    clock.advance(2 * limits.lane_reconnect_max_ms);
    expect([dial.lines.length, jobs.held]).toEqual([4, []]);
  });

  test("[AGENT-14] is dialled at once when the control connection is back", () => {
    const { dial, jobs } = new LaneBench(waits);
    jobs.op(op());
    dial.last.break();
    expect(dial.lines.length).toBe(1);
    jobs.nudge();
    expect(dial.lines.length).toBe(2);
  });
});
