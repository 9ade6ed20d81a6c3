import { describe, expect, test } from "vitest";
import { NodeSql } from "../storage/node-sql.ts";
import { Journal } from "./journal.ts";
import { op } from "./testing.ts";

const chunk = (first: number, items: unknown[]) => ({
  first,
  count: items.length,
  tokens: items.filter((item) => typeof item === "string").length,
  body: JSON.stringify(items),
});

describe("journal", () => {
  test("[AGENT-4] what was journaled is there again: the operation, its events, its end", () => {
    const sql = new NodeSql(":memory:");
    const journal = new Journal(sql);
    const { id } = journal.begin(op(3));
    journal.append(id, chunk(1, ["a", { type: "narration" }]));
    journal.append(id, chunk(3, ["b"]));
    journal.end(id, { status: "cancelled" });
    const [job] = new Journal(sql).recover("boot");
    expect(job).toMatchObject({ op: op(3), acked: 0, tokens: 2, outcome: { status: "cancelled" } });
    expect(job?.chunks.map(({ first, count }) => [first, count])).toEqual([
      [1, 2],
      [3, 1],
    ]);
    expect(journal.body(id, 3)).toBe('["b"]');
  });

  test("acknowledged events are forgotten, their tokens are still counted", () => {
    const sql = new NodeSql(":memory:");
    const journal = new Journal(sql);
    const { id } = journal.begin(op());
    for (const first of [1, 3, 5]) journal.append(id, chunk(first, ["a", "b"]));
    journal.trim(id, 4);
    expect(new Journal(sql).recover("boot")[0]).toMatchObject({ acked: 4, tokens: 6, chunks: [{ first: 5 }] });
  });

  test("[AGENT-3] a later term takes the job over; a late removal of the earlier one does not touch it", () => {
    const sql = new NodeSql(":memory:");
    const journal = new Journal(sql);
    const older = journal.begin(op(1));
    journal.append(older.id, chunk(1, ["old"]));
    const newer = journal.begin(op(3));
    journal.append(newer.id, chunk(1, ["new"]));
    expect(sql.exec("SELECT count(*) AS n FROM chunks")).toEqual([{ n: 1 }]);
    journal.remove(older.id);
    const jobs = new Journal(sql).recover("boot");
    expect(jobs).toHaveLength(1);
    expect(jobs[0]).toMatchObject({ op: { term: 3 }, tokens: 1 });
    expect(journal.body(newer.id, 1)).toBe('["new"]');
  });

  test("[AGENT-3] a row number is never given out twice: removals come late", () => {
    const journal = new Journal(new NodeSql(":memory:"));
    const { id } = journal.begin(op(1));
    journal.remove(id);
    expect(journal.begin(op(3)).id).not.toBe(id);
  });

  test("[AGENT-4] after a restart of the machine unfinished jobs are given back, finished ones are delivered", () => {
    const sql = new NodeSql(":memory:");
    const journal = new Journal(sql);
    journal.recover("first boot");
    journal.begin(op(1));
    journal.end(journal.begin(op(1, `job_${"b".repeat(26)}`)).id, { status: "cancelled" });
    expect(journal.recover("first boot").map(({ outcome }) => outcome?.status)).toEqual([undefined, "cancelled"]);
    expect(new Journal(sql).recover("second boot").map(({ outcome }) => outcome?.status)).toEqual([
      "refused",
      "cancelled",
    ]);
  });

  test("an operation that this version cannot read is dropped", () => {
    const sql = new NodeSql(":memory:");
    const journal = new Journal(sql);
    journal.begin(op());
    sql.exec("UPDATE jobs SET op = '{}'");
    expect(journal.recover("boot")).toEqual([]);
    expect(journal.recover("boot")).toEqual([]);
  });
});
