import type { HandlerEvent } from "@rbee/contracts";
import { origin } from "@rbee/job-core";
import { expect, test } from "vitest";
import { systemClock } from "../clock.ts";
import { token } from "../link/testing/handlers.ts";
import { silentLog } from "../log.ts";
import { NodeSql } from "../storage/node-sql.ts";
import { LocalJobs } from "./local-jobs.ts";
import { LocalRecords } from "./records.ts";
import { linesOf, until } from "./testing.ts";

/** A disk that is full for a while. */
class FullDisk extends NodeSql {
  full = false;

  override transaction<T>(work: () => T): T {
    return super.transaction(() => {
      const result = work();
      if (this.full) throw new Error("database or disk is full");
      return result;
    });
  }
}

const JOB = `job_${"a".repeat(26)}`;
const spec = {
  job_id: JOB,
  colony: "local",
  key_id: "local",
  operation: "model_list",
  input: {},
  submitted_at: 1,
} as const;
const query = { format: "text", after: origin, resume: false, cancels: false, submitting: false } as const;

test("[LOCAL-1] [LOCAL-5] what could not be written was shown to nobody, and the job ends with that once it can be", async () => {
  const sql = new FullDisk(":memory:");
  const go = Promise.withResolvers<void>();
  const stopped = Promise.withResolvers<void>();
  const jobs = new LocalJobs({
    hive_id: "den",
    sql,
    clock: { ...systemClock, after: (ms, run) => systemClock.after(Math.min(ms, 1), run) },
    log: { ...silentLog, error: () => (sql.full = false) },
    boot: "boot-1",
    runnable: () => ({
      name: "model_list",
      start: async function* ({ signal }): AsyncGenerator<HandlerEvent, { models: [] }, void> {
        signal.addEventListener("abort", () => stopped.resolve());
        yield token("kept");
        await go.promise;
        sql.full = true;
        yield token("lost");
        await stopped.promise;
        throw signal.reason;
      },
    }),
  });
  await jobs.submit(spec);
  const { signal } = new AbortController();
  const read = async () => (await jobs.read(JOB, query, { signal, headers: {} })) ?? new Response();
  const [first, response] = [await read(), await read()];
  await until(first, '"kept"');
  go.resolve();
  const said = linesOf(await response.text());
  expect(said).toEqual(['[TOKEN] "kept"', expect.stringContaining("[ERROR] journal_full"), "[DONE]"]);
  expect(await jobs.view(JOB)).toMatchObject({ state: "failed", error: { code: "journal_full" } });
  jobs.halt();
  sql.close();
});

test("[LOCAL-2] a job is written before its handler is started", async () => {
  const sql = new NodeSql(":memory:");
  const begun = Promise.withResolvers<unknown>();
  const jobs = new LocalJobs({
    hive_id: "den",
    sql,
    clock: systemClock,
    log: silentLog,
    boot: "boot-1",
    runnable: () => ({
      name: "model_list",
      start: async function* (): AsyncGenerator<HandlerEvent, { models: [] }, void> {
        begun.resolve(new LocalRecords(sql).find(JOB));
        return { models: [] };
      },
    }),
  });
  await jobs.submit(spec);
  expect(await begun.promise).toMatchObject({ spec, phase: { state: "placed" } });
  await jobs.idle();
  jobs.halt();
  sql.close();
});
