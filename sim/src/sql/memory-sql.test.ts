import { limits, type Outcome } from "@rbee/contracts";
import type { Sql, SqlValue } from "@rbee/job-core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Journal } from "../../../hive-agent/src/jobs/journal.ts";
import { op } from "../../../hive-agent/src/jobs/testing.ts";
import { NodeSql } from "../../../hive-agent/src/storage/node-sql.ts";
import { eventLogSuite } from "../../../job-core/src/event-log.suite.ts";
import { HiveSession } from "../../../queen-edge/src/queen/hive-session.ts";
import { Registry } from "../../../queen-edge/src/queen/registry.ts";
import { MemorySql } from "./memory-sql.ts";

/** Says everything to both databases, and holds their answers against each other. */
class Both implements Sql {
  readonly memory = new MemorySql();
  readonly sqlite = new NodeSql(":memory:");

  exec<Row extends Record<string, SqlValue>>(query: string, ...bindings: SqlValue[]): Row[] {
    const [expected, threw] = attempt(() => this.sqlite.exec<Row>(query, ...bindings));
    const [found, broke] = attempt(() => this.memory.exec<Row>(query, ...bindings));
    expect(broke, `${query}: ${String(broke ?? threw)}`).toBe(threw === undefined ? undefined : expect.anything());
    expect(found, query).toEqual(expected?.map((row) => ({ ...row })));
    if (threw !== undefined) throw threw as Error;
    return expected ?? [];
  }

  transaction<T>(work: () => T): T {
    return this.sqlite.transaction(() => this.memory.transaction(work));
  }
}

function attempt<T>(work: () => T): [T | undefined, unknown] {
  try {
    return [work(), undefined];
  } catch (error) {
    return [undefined, error];
  }
}

describe("the log on both", () => eventLogSuite(async (work) => work(new Both())));

const outcome: Outcome = { status: "cancelled" };
const ids = ["a", "b", "c"].map((letter) => `job_${letter.repeat(26)}`);

describe("what the protocol says to a database is answered as SQLite answers it", () => {
  test("by the journal, whatever is done to it", () => {
    const step = fc.record({
      what: fc.constantFrom("begin", "append", "end", "trim", "remove", "recover", "body", "fail"),
      job: fc.nat(2),
      size: fc.integer({ min: 1, max: 3 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const sql = new Both();
        let journal = new Journal(sql);
        const held = new Map<number, { id: number; last: number; term: number }>();
        for (const { what, job, size } of steps) {
          const row = held.get(job);
          if (what === "begin") {
            const term = (row?.term ?? -1) + 2;
            held.set(job, { id: journal.begin(op(term, ids[job])).id, last: 0, term });
          } else if (what === "recover") {
            journal = new Journal(sql);
            journal.recover(size === 1 ? "other" : "boot");
          } else if (row === undefined) continue;
          else if (what === "append") {
            const body = JSON.stringify(Array.from({ length: size }, (_, i) => `${row.last + i} 🐝`));
            journal.append(row.id, { first: row.last + 1, count: size, tokens: size, body });
            row.last += size;
          } else if (what === "end") journal.end(row.id, outcome);
          else if (what === "trim") journal.trim(row.id, row.last);
          else if (what === "body") attempt(() => journal.body(row.id, 1));
          else if (what === "remove") {
            journal.remove(row.id);
            held.delete(job);
          } else attempt(() => journal.batch(() => (journal.end(row.id, outcome), fail())));
        }
        expect(journal.recover("boot").length).toBeLessThanOrEqual(ids.length);
      }),
      { numRuns: 200 },
    );
  });

  test("by the registry", () => {
    const sql = new Both();
    const registry = new Registry(sql);
    registry.tokens.add("hash", { label: "box", expires_at: 10 });
    registry.tokens.add("late", { label: undefined, expires_at: 1 });
    registry.enrol("hash", { hive_id: "x", now: 5 });
    const inventory = { version: "1", platform: "", devices: [], models: [], workers: [], slots_default: 1 };
    registry.hiveConnected("box", 1, { inventory, jobs: [], now: 6 });
    const want = {
      job_id: "",
      operation: "model_list",
      submitted_at: 1,
      key_id: "owner",
      hive_id: "box",
      offline: "wait",
    } as const;
    for (const job_id of ids) registry.place({ ...want, job_id }, 0, 6);
    registry.fleet.disconnected("box", 2, 7);
    registry.place({ ...want, job_id: "job_waits" }, 0, 7);
    registry.release(ids[1] as string, { state: "succeeded", finished_at: 8 });
    registry.release(ids[1] as string, { state: "succeeded", finished_at: 8 });
    registry.drop(ids[2] as string, 9);
    const again = new Registry(sql);
    expect(again.jobs(10)).toEqual(registry.jobs(10));
    expect([...again.jobs(limits.finished_jobs_max)].length).toBe(3);
  });

  test("by a hive's session", () => {
    const sql = new Both();
    const session = new HiveSession(sql);
    session.admits(2);
    session.begin();
    expect(new HiveSession(sql).number).toBe(1);
  });

  test("what it does not understand it refuses", () => {
    const sql = new MemorySql();
    expect(() => sql.exec("SELECT a FROM t JOIN u")).toThrow("expected the end");
    expect(() => sql.exec("PRAGMA journal_mode")).toThrow("expected a statement");
    expect(() => sql.exec("SELECT a FROM t")).toThrow("no such table");
  });
});

function fail(): never {
  throw new Error("no");
}
