import { closes, limits } from "@rbee/contracts";
import { describe, expect, test } from "vitest";
import { feed, waits } from "./testing/feed.ts";
import { LaneBench } from "./testing/lane-bench.ts";

const MINUTE_MS = 60_000;
/** Those of the smaller windows, before they are as wide as they get. */
const FIRST_TRIES = 8;

describe("a lane that breaks", () => {
  test("[AGENT-10] a queen that did not answer for most of her lease gets nothing until she has let a new line in", async () => {
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
    expect(dial.last.sent).toEqual([]);
    dial.last.open();
    expect(dial.last.messages()).toEqual([
      [
        { t: "lane_hello", last: 2 },
        { t: "ev", first: 2, items: ["zombie"] },
      ],
    ]);
  });

  test("[AGENT-10] a term that is not this hive's any more is not let in, and nothing of it is sent", async () => {
    const { handlers, give } = feed();
    const { clock, dial, jobs } = LaneBench.running(handlers);
    dial.last.break();
    await give("zombie");
    clock.advance(limits.lane_reconnect_max_ms);
    dial.last.break({ status: 410 });
    clock.advance(limits.lease_ms);
    expect([dial.last.sent, jobs.held]).toEqual([[], []]);
  });

  test("[AGENT-10] being let in counts from when the line was dialled, not from when that was read", async () => {
    const { handlers, give } = feed();
    const bench = new LaneBench(handlers);
    bench.begin();
    await give("zombie");
    bench.clock.advance(0);
    const old = bench.dial.last;
    bench.clock.freeze(60_000);
    old.open();
    expect([old.state, old.sent]).toEqual(["terminated", []]);
    bench.clock.advance(limits.lane_reconnect_max_ms);
    bench.dial.last.open();
    expect(bench.messages()).toEqual([["lane_hello", "ev"]]);
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

  test("[AGENT-6] a new line does not wait for the queen to say where to start; the old line is nobody any more", async () => {
    const { handlers, give } = feed();
    const bench = LaneBench.running(handlers);
    const { clock, dial } = bench;
    await give("a");
    await give("b");
    clock.advance(0);
    bench.kinds();
    dial.last.say({ t: "ack", acked: 2 });
    await give("c");
    clock.advance(limits.coalesce_max_ms);
    const old = dial.last;
    old.break();
    clock.advance(limits.lane_reconnect_max_ms);
    dial.last.open();
    expect(dial.last.messages()).toEqual([
      [
        { t: "lane_hello", last: 3 },
        { t: "ev", first: 3, items: ["c"] },
      ],
    ]);
    await give("d");
    clock.advance(limits.coalesce_max_ms);
    expect(bench.messages()).toEqual([["ev"]]);
    old.say({ t: "ready", acked: 0 });
    old.break();
    expect(bench.kinds()).toEqual([]);
    expect(dial.lines.length).toBe(2);
  });

  test("[AGENT-6] the answer to hello confirms and sends nothing back; any later `ready` does", async () => {
    const { handlers, give } = feed();
    const bench = new LaneBench(handlers);
    const { clock, dial } = bench;
    bench.begin();
    await give("a");
    clock.advance(0);
    dial.last.open();
    expect(bench.messages()).toEqual([["lane_hello", "ev"]]);
    dial.last.say({ t: "ready", acked: 0 });
    expect(bench.kinds()).toEqual([]);
    dial.last.say({ t: "ready", acked: 0 });
    expect(bench.kinds()).toEqual(["ev"]);
    // The message with hello was partly lost: both answers come as one.
    dial.last.break();
    clock.advance(limits.lane_reconnect_max_ms);
    dial.last.open();
    bench.kinds();
    dial.last.say([
      { t: "ready", acked: 0 },
      { t: "ready", acked: 0 },
    ]);
    expect(bench.messages()).toEqual([["ev"]]);
  });

  test("[AGENT-6] hello asked again: a gap and its answer may both send the line back", async () => {
    const { handlers, give } = feed();
    const bench = LaneBench.running(handlers);
    const { clock, dial } = bench;
    await give("a");
    clock.advance(0);
    clock.advance(2 * limits.commit_idle_ms);
    expect(bench.kinds()).toEqual(["ev", "flush", "lane_hello"]);
    for (let answers = 0; answers < 2; answers++) {
      dial.last.say({ t: "ready", acked: 0 });
      expect(dial.last.take()).toEqual([{ t: "ev", first: 1, items: ["a"] }]);
    }
  });

  test("[AGENT-10] in a list that is read too late, nothing behind the first frame brings the line back to life", async () => {
    const { handlers, give } = feed();
    const { clock, dial } = LaneBench.running(handlers);
    await give("a");
    clock.advance(0);
    const old = dial.last;
    old.take();
    clock.freeze(60_000);
    old.say([
      { t: "ack", acked: 0 },
      { t: "ready", acked: 0 },
    ]);
    expect([old.state, old.sent]).toEqual(["terminated", []]);
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
      { t: "ev", first: 1 },
      { t: "end", outcome: { status: "refused", error: { code: "hive_lost" } } },
    ]);
  });

  test("[AGENT-6] what the journal gained since hello does not hide that it is behind", async () => {
    const { handlers, give } = feed();
    const bench = LaneBench.running(handlers);
    const { clock, dial } = bench;
    dial.last.break();
    clock.advance(limits.lane_reconnect_max_ms);
    dial.last.open();
    await give("a");
    await give("b");
    clock.advance(limits.coalesce_max_ms);
    expect(bench.kinds()).toEqual(["lane_hello", "ev"]);
    dial.last.say({ t: "ready", acked: 1 });
    clock.advance(0);
    expect(dial.last.take()).toMatchObject([{ t: "end", outcome: { error: { code: "hive_lost" } } }]);
  });

  test("[AGENT-13] one that an older dial of its own took the place of is dialled again, no faster than any other", async () => {
    const { handlers, give } = feed();
    const bench = LaneBench.running(handlers);
    const { clock, dial } = bench;
    await give("a");
    dial.last.break(closes.superseded);
    clock.advance(limits.lane_reconnect_max_ms);
    expect(dial.lines.length).toBe(2);
    bench.open(0);
    expect(bench.messages().flat()).toContain("ev");
    // Another agent that answers every dial with one of its own.
    const until = clock.now() + MINUTE_MS;
    while (clock.now() < until) {
      const { length } = dial.lines;
      dial.last.open();
      dial.last.break(closes.superseded);
      while (dial.lines.length === length) clock.advance(limits.coalesce_max_ms);
    }
    expect(dial.lines.length).toBeLessThan(MINUTE_MS / limits.lane_reconnect_max_ms + FIRST_TRIES);
  });

  test("[AGENT-13] is dialled until the queen's answer is final", () => {
    const bench = new LaneBench(waits);
    const { clock, dial, jobs } = bench;
    bench.begin();
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
    const bench = new LaneBench(waits);
    const { dial, jobs } = bench;
    bench.begin();
    dial.last.break();
    expect(dial.lines.length).toBe(1);
    jobs.nudge();
    expect(dial.lines.length).toBe(2);
  });
});
