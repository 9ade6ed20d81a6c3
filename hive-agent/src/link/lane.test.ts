import { limits } from "@rbee/contracts";
import type { Sql } from "@rbee/job-core";
import { describe, expect, test } from "vitest";
import { op } from "../jobs/testing.ts";
import { NodeSql } from "../storage/node-sql.ts";
import { feed, settle, waits } from "./testing/feed.ts";
import { playing, token } from "./testing/handlers.ts";
import { LaneBench } from "./testing/lane-bench.ts";

describe("what a lane sends", () => {
  test("[AGENT-1] the lane is dialled also if the handler says nothing, with the token it was given", () => {
    const bench = new LaneBench(waits);
    const { dial } = bench;
    bench.begin(3);
    expect(dial.last.request).toEqual({
      url: `wss://queen.example/v1/lanes/${op().job_id}?term=3`,
      headers: { authorization: "Bearer token" },
    });
    dial.last.open();
    expect(dial.last.take()).toEqual([{ t: "lane_hello", last: 0 }]);
  });

  test("[AGENT-9] what is ready together goes out together: a whole short job is one message each way", async () => {
    const play = playing(async function* () {
      yield token("a");
      yield token("b");
      return { models: [] };
    });
    const bench = new LaneBench(play);
    bench.begin();
    await settle();
    bench.clock.advance(0);
    bench.dial.last.open();
    expect(bench.dial.last.messages()).toEqual([
      [
        { t: "lane_hello", last: 2 },
        { t: "ev", first: 1, items: ["a", "b"] },
        { t: "end", final: 2, outcome: { status: "succeeded", result: { models: [] } } },
      ],
    ]);
    bench.dial.last.say([{ t: "ready", acked: 0 }, { t: "ack", acked: 2 }, { t: "end_ack" }]);
    expect([bench.dial.last.state, bench.jobs.held, bench.kinds()]).toEqual(["closed", [], []]);
  });

  test("of a list, what is understood counts; what follows the end of the job does not", async () => {
    const { handlers, give } = feed();
    const bench = LaneBench.running(handlers);
    await give("a");
    await give();
    bench.clock.advance(0);
    bench.kinds();
    bench.dial.last.say([{ t: "from_the_future" }, { t: "ack", acked: 1 }, { t: "end_ack" }, { t: "ready", acked: 0 }]);
    bench.clock.advance(limits.coalesce_max_ms);
    expect([bench.dial.last.state, bench.jobs.held, bench.kinds()]).toEqual(["closed", [], []]);
  });

  test("[AGENT-9] the first token goes at once, later ones are gathered for the window", async () => {
    const { handlers, give } = feed();
    const bench = LaneBench.running(handlers);
    const { clock } = bench;
    await give("a");
    clock.advance(0);
    expect(bench.kinds()).toEqual(["ev"]);
    await give("b");
    clock.advance(1);
    await give("c");
    expect(bench.kinds()).toEqual([]);
    clock.advance(limits.coalesce_min_ms);
    expect(bench.dial.last.take()).toEqual([{ t: "ev", first: 2, items: ["b", "c"] }]);
    clock.advance(limits.coalesce_min_ms);
    await give("after a silence");
    clock.advance(0);
    expect(bench.kinds()).toEqual(["ev"]);
    await give();
    clock.advance(0);
    expect(bench.kinds()).toEqual(["end"]);
  });

  test("[AGENT-17] when nothing follows, the queen is asked to commit; if that brings nothing, where to go on", async () => {
    const { handlers, give } = feed();
    const bench = LaneBench.running(handlers);
    await give("a");
    bench.clock.advance(0);
    bench.kinds();
    bench.clock.advance(limits.commit_idle_ms);
    expect(bench.kinds()).toEqual(["flush"]);
    bench.clock.advance(limits.commit_idle_ms);
    expect(bench.kinds()).toEqual(["lane_hello"]);
    bench.dial.last.say({ t: "ready", acked: 0 });
    expect(bench.dial.last.take()).toEqual([{ t: "ev", first: 1, items: ["a"] }]);
    bench.dial.last.say({ t: "ack", acked: 1 });
    bench.clock.advance(3 * limits.commit_idle_ms);
    expect(bench.kinds()).toEqual([]);
  });

  test("[AGENT-17] while hello is not answered nothing else is asked; then what went with it is watched", async () => {
    const { handlers, give } = feed();
    const bench = new LaneBench(handlers);
    bench.begin();
    await give("a");
    bench.clock.advance(0);
    bench.dial.last.open();
    expect(bench.messages()).toEqual([["lane_hello", "ev"]]);
    bench.clock.advance(3 * limits.commit_idle_ms);
    expect(bench.kinds()).toEqual([]);
    bench.dial.last.say({ t: "ready", acked: 0 });
    expect(bench.kinds()).toEqual([]);
    bench.clock.advance(0);
    expect(bench.kinds()).toEqual(["flush"]);
    bench.clock.advance(limits.connect_wait_ms);
    expect(bench.dial.last.state).toBe("open");
  });

  test("a queen that lets a lane in and never answers its hello is dialled anew", async () => {
    const bench = new LaneBench(waits);
    bench.begin();
    const silent = bench.dial.last;
    silent.open();
    bench.clock.advance(limits.connect_wait_ms + limits.lane_reconnect_max_ms);
    expect([silent.state, bench.dial.lines.length]).toEqual(["terminated", 2]);
  });

  test("[AGENT-7] [AGENT-8] a handler that never pauses is held at a window; a full window asks for an acknowledgement", async () => {
    let produced = 0;
    const play = playing(async function* () {
      while (produced < 10_000) {
        produced += 1;
        yield token("x");
      }
      return { models: [] };
    });
    const bench = new LaneBench(play);
    bench.begin();
    await settle();
    expect(produced).toBe(limits.lane_window_events);
    bench.open(0);
    bench.clock.advance(0);
    await settle();
    bench.clock.advance(limits.coalesce_max_ms);
    expect(bench.kinds()).toEqual(["lane_hello", "ev", "ev", "flush"]);
    bench.dial.last.break();
    bench.clock.advance(limits.lane_reconnect_max_ms);
    bench.dial.last.open();
    expect(bench.messages()).toEqual([["lane_hello", "ev", "ev", "flush"]]);
  });

  test("[AGENT-2] a journal that cannot be written is tried again; nothing leaves before", async () => {
    const sql = new NodeSql(":memory:");
    let broken = false;
    const flaky: Sql = {
      exec: (query, ...bindings) => sql.exec(query, ...bindings),
      transaction: (work) => {
        if (broken) throw new Error("disk full");
        return sql.transaction(work);
      },
    };
    const { handlers, give } = feed();
    const bench = new LaneBench(handlers, flaky);
    bench.begin();
    bench.open(0);
    broken = true;
    await give("a");
    bench.clock.advance(0);
    expect(bench.kinds()).toEqual(["lane_hello"]);
    broken = false;
    bench.clock.advance(limits.journal_retry_ms);
    expect(bench.kinds()).toEqual(["ev"]);
  });

  test("[AGENT-3] an operation of an earlier term is ignored", () => {
    const bench = new LaneBench(waits);
    const { jobs, dial } = bench;
    bench.begin(3);
    bench.begin(1);
    expect(jobs.held).toEqual([{ job_id: op().job_id, term: 3 }]);
    expect(dial.lines.length).toBe(1);
  });

  test("[AGENT-11] a handler that does not stop is left behind when the grace is over", () => {
    const play = playing(async function* () {
      await new Promise(() => {});
      yield token("never");
      return { models: [] };
    });
    const bench = LaneBench.running(play);
    bench.dial.last.say({ t: "cancel" });
    bench.clock.advance(limits.cancel_grace_ms - 1);
    expect(bench.kinds()).toEqual([]);
    bench.clock.advance(1);
    expect(bench.dial.last.take()).toContainEqual({ t: "end", final: 0, outcome: { status: "cancelled" } });
  });

  test("[AGENT-2] an agent that stops writes what it has, and nothing afterwards", async () => {
    const sql = new NodeSql(":memory:");
    const { handlers, give } = feed();
    const bench = new LaneBench(handlers, sql);
    bench.jobs.op(op());
    await give("a");
    await give("b");
    bench.jobs.halt();
    expect(sql.exec("SELECT body FROM chunks")).toEqual([{ body: '["a","b"]' }]);
    sql.close();
    await settle();
    bench.clock.advance(limits.lease_ms);
    expect([bench.clock.pending, sql.isOpen]).toEqual([0, false]);
  });
});
