import { limits, problemOf } from "@rbee/contracts";
import { afterEach, describe, expect, test } from "vitest";
import { systemClock, type Clock } from "../clock.ts";
import type { HiveHandlers } from "../jobs/handler.ts";
import { silentLog } from "../log.ts";
import { NodeSql } from "../storage/node-sql.ts";
import { HiveLink } from "./hive-link.ts";
import { aborted, inventory, playing, token } from "./testing/handlers.ts";
import { MockQueen } from "./testing/mock-queen.ts";
import { webSocketDial } from "./ws-dial.ts";

const ID = `job_${"a".repeat(26)}`;
const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).toReversed()) await cleanUp();
});

interface Setup {
  handlers?: HiveHandlers;
  sql?: NodeSql;
  clock?: Clock;
  queen?: MockQueen;
}

async function hive(setup: Setup = {}) {
  const queen = setup.queen ?? (await MockQueen.start());
  const sql = setup.sql ?? new NodeSql(":memory:");
  const clock = setup.clock ?? systemClock;
  const seen: string[] = [];
  const say = (what: string) => {
    seen.push(what);
    queen.poke();
  };
  let stock = inventory;
  const link = new HiveLink(
    {
      queen_url: queen.url,
      dial: webSocketDial(clock),
      clock,
      log: silentLog,
      sql,
      sync: () => sql.sync(),
      boot: "boot",
      headers: (time) => ({ "x-time": String(time) }),
      handlers:
        setup.handlers ??
        playing(async function* () {
          yield token("hello");
          return { models: [] };
        }),
      inventory: () => stock,
    },
    {
      connected: () => say("connected"),
      disconnected: () => say("disconnected"),
      refused: (error) => say(`${error.code}: ${error.message}`),
    },
  );
  cleanUps.push(
    () => queen.stop(),
    () => link.close(),
  );
  link.start();
  const restock = (version: string) => {
    stock = { ...inventory, version };
    link.inventoryChanged();
  };
  return { queen, link, seen, sql, restock };
}

async function connected(setup: Setup = {}) {
  const all = await hive(setup);
  await all.queen.until(() => all.link.connected);
  return all;
}

describe("a job over real sockets", () => {
  test("[AGENT-1] op, lane, events, end: the whole job, and the hive forgets it", async () => {
    const { queen, link } = await connected();
    queen.op({ job_id: ID });
    expect(await queen.outcome(ID)).toEqual({ status: "succeeded", result: { models: [] } });
    expect(queen.job(ID).texts).toEqual(["hello"]);
    expect(queen.job(ID).frames).toEqual(["lane_hello", "ev", "end"]);
    await link.idle();
  });

  test("[AGENT-1] a repeated operation changes nothing, during the job and after it", async () => {
    let runs = 0;
    let finish = (): void => {};
    const handlers = playing(async function* () {
      runs += 1;
      yield token("once");
      await new Promise<void>((resolve) => (finish = resolve));
      return { models: [] };
    });
    const { queen, link } = await connected({ handlers });
    queen.op({ job_id: ID });
    await queen.until(() => queen.job(ID).log.last === 1);
    queen.op({ job_id: ID });
    expect(await link.rtt()).toBeGreaterThan(0);
    finish();
    await queen.outcome(ID);
    await link.idle();
    queen.op({ job_id: ID });
    await link.rtt();
    expect([runs, link.jobsHeld, queen.job(ID).lanes]).toEqual([1, 0, 1]);
  });

  test("[AGENT-3] a later term replaces an earlier one, whose handler is stopped", async () => {
    const stopped: number[] = [];
    const handlers = playing(async function* ({ term, signal }) {
      yield token(`term ${term}`);
      if (term === 1) {
        await aborted(signal);
        stopped.push(term);
      }
      return { models: [] };
    });
    const { queen } = await connected({ handlers });
    queen.op({ job_id: ID });
    await queen.until(() => queen.job(ID).log.last === 1);
    queen.op({ job_id: ID, term: 3 });
    await queen.outcome(ID);
    expect(stopped).toEqual([1]);
    expect(queen.job(ID).texts).toContain("term 3");
  });

  test("[AGENT-6] cut sockets and lost frames in mid-stream: every token once, in order", async () => {
    const total = 3_000;
    const handlers = playing(async function* () {
      for (let n = 1; n <= total; n++) {
        yield token(String(n));
        if (n % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
      }
      return { models: [] };
    });
    const { queen } = await connected({ handlers });
    queen.loseFrames = 1;
    queen.op({ job_id: ID });
    for (const at of [200, 1_000, 1_500]) {
      await queen.until(() => queen.job(ID).log.last >= at);
      queen.cutAll();
    }
    expect((await queen.outcome(ID)).status).toBe("succeeded");
    expect(queen.job(ID).texts).toEqual(Array.from({ length: total }, (_, n) => String(n + 1)));
    expect(queen.job(ID).lanes).toBeGreaterThanOrEqual(3);
  });

  test("[AGENT-11] cancel reaches the handler, on the control socket and on the lane", async () => {
    const handlers = playing(async function* ({ signal }) {
      yield token("on");
      await aborted(signal);
      throw new Error("stopped");
    });
    const { queen } = await connected({ handlers });
    const other = `job_${"b".repeat(26)}`;
    queen.op({ job_id: ID });
    queen.op({ job_id: other });
    const lane = await queen.until(() => queen.job(ID).log.last === 1 && queen.job(other).lane);
    queen.say({ t: "cancel", job_id: ID, term: 1 });
    lane.send(JSON.stringify({ t: "cancel" }));
    expect(await queen.outcome(ID)).toEqual({ status: "cancelled" });
    expect(await queen.outcome(other)).toEqual({ status: "cancelled" });
  });

  test("[AGENT-12] what the hive does not know, or takes no more, is refused on the lane", async () => {
    const { queen, link } = await connected();
    const ids = ["b", "c", "d"].map((letter) => `job_${letter.repeat(26)}`) as [string, string, string];
    queen.op({ job_id: ids[0], operation: "frobnicate" });
    queen.op({ job_id: ids[1], input: { nonsense: 1 } });
    const codes = [];
    for (const id of ids.slice(0, 2)) {
      const outcome = await queen.outcome(id);
      codes.push(outcome.status === "refused" ? outcome.error.code : outcome.status);
    }
    link.drain();
    await queen.until(() => queen.control.some(({ t }) => t === "drain"));
    queen.op({ job_id: ids[2] });
    const last = await queen.outcome(ids[2]);
    expect([...codes, last.status === "refused" && last.error.code]).toEqual([
      "unsupported",
      "invalid_input",
      "draining",
    ]);
  });

  test("what a handler throws is the job's failure; what is not ours keeps its text to itself", async () => {
    const handlers = playing(async function* () {
      yield token("x");
      throw new Error("the secret prompt");
    });
    const { queen } = await connected({ handlers });
    queen.op({ job_id: ID });
    expect(await queen.outcome(ID)).toEqual({ status: "failed", error: problemOf("internal") });
  });

  test("[AGENT-13] a term that is over at the queen is dropped: handler stopped, journal empty", async () => {
    const handlers = playing(async function* ({ signal }) {
      yield token("zombie");
      await aborted(signal);
      throw new Error("stopped");
    });
    const { queen, link } = await connected({ handlers });
    queen.op({ job_id: ID });
    const lane = await queen.until(() => queen.job(ID).lane);
    lane.close(4414, "stale");
    await link.idle();
    queen.refuse = (request) => (request.url?.startsWith("/v1/lanes") === true ? { status: 410 } : undefined);
    const other = `job_${"c".repeat(26)}`;
    queen.op({ job_id: other });
    await link.rtt();
    await link.idle();
    expect(queen.job(ID).outcome).toBeUndefined();
  });
});

describe("an agent that starts again over the same journal", () => {
  test("[AGENT-4] goes on with the handler behind what was journaled, and delivers what had ended", async () => {
    const sql = new NodeSql(":memory:");
    const resumed: (number | undefined)[] = [];
    const handlers = playing(async function* ({ resume_after_tokens, signal }) {
      resumed.push(resume_after_tokens);
      for (let n = resume_after_tokens ?? 0; n < 5; n++) yield token(String(n));
      if (resume_after_tokens === undefined) await aborted(signal);
      for (let n = 5; n < 8; n++) yield token(String(n));
      return { models: [] };
    });
    const first = await connected({ sql, handlers });
    first.queen.op({ job_id: ID });
    await first.queen.until(() => first.queen.job(ID).log.last === 5);
    first.link.close();
    const second = await connected({ sql, handlers, queen: first.queen });
    expect(await second.queen.outcome(ID)).toMatchObject({ status: "succeeded" });
    expect(second.queen.job(ID).texts.join("")).toBe("01234567");
    expect(resumed).toEqual([undefined, 5]);
    const hellos = second.queen.control.filter((frame) => frame.t === "hello");
    expect(hellos.map(({ jobs }) => jobs)).toEqual([[], [{ job_id: ID, term: 1 }]]);
    expect(hellos[0]?.instance_id).not.toBe(hellos[1]?.instance_id);
  });
});

describe("the control connection", () => {
  test("[AGENT-14] comes back by itself after a cut", async () => {
    const { queen, link, seen } = await connected();
    queen.cutAll();
    await queen.until(() => seen.length === 3 && link.connected);
    expect(seen).toEqual(["connected", "disconnected", "connected"]);
  });

  test("[AGENT-15] a clock that is off is corrected by the queen's answer", async () => {
    const queen = await MockQueen.start();
    const times: number[] = [];
    queen.refuse = (request) => {
      const time = Number(request.headers["x-time"]);
      times.push(time);
      const right = 5_000_000_000_000;
      return Math.abs(time - right) < limits.signature_skew_ms
        ? undefined
        : { status: 401, headers: { "x-rbee-time": String(right) } };
    };
    await connected({ queen });
    expect(times).toHaveLength(2);
  });

  test("[AGENT-15] a refusal that no clock explains ends it, with the queen's words", async () => {
    const queen = await MockQueen.start();
    const body = problemOf("forbidden", "this hive was revoked");
    queen.refuse = () => ({ status: 401, headers: { "x-rbee-time": String(Date.now()) }, body });
    const { seen } = await hive({ queen });
    await queen.until(() => seen.length > 0);
    expect(seen).toEqual(["unauthorized: this hive was revoked"]);
  });

  test("[AGENT-14] a revoked hive does not dial again; frames it does not know are ignored", async () => {
    const { queen, seen, link } = await connected();
    queen.say({ t: "from_the_future" });
    queen.say("not even JSON");
    expect(await link.rtt()).toBeGreaterThan(0);
    queen.connection?.close(4403, "revoked");
    await queen.until(() => seen.length === 3);
    expect(seen).toEqual(["connected", "disconnected", "forbidden: revoked"]);
  });

  test("[AGENT-16] the inventory is told when it changed, and only then", async () => {
    const { queen, restock } = await connected();
    restock("0.1.0");
    restock("2");
    restock("3");
    await queen.until(() => queen.control.length === 2);
    expect(queen.control[1]).toMatchObject({ t: "inventory", inventory: { version: "3" } });
  });
});
