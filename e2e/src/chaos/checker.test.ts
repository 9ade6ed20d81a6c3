import type { JobEvent } from "@rbee/contracts";
import { expect, test } from "vitest";
import { judge } from "./checker.ts";
import type { JobRecord, ReaderView, Seen } from "./ledger.ts";

const at = (position: string, event: unknown): Seen => ({ position, data: JSON.stringify(event) });
const token = (position: string, text: string): Seen => at(position, { type: "token", text } satisfies JobEvent);
const result = (position: string, text: string): Seen => at(position, { type: "result", result: { text } });
const lost = (position: string): Seen => at(position, { type: "error", code: "hive_lost", detail: "" });

const log = [token("1.1", "a"), token("1.2", "b"), token("1.3", "c"), result("1.4", "abc")];
const view = (seen: readonly Seen[], whole = true): ReaderView => ({ name: "0", seen, whole, complaints: [] });
const good: JobRecord = {
  job_id: "job",
  operation: "infer",
  expected: "abc",
  cancelled: false,
  excuses: new Set(),
  readers: [view(log), view(log.slice(0, 2), false)],
  log,
  state: "succeeded",
  error_code: undefined,
};

test("what keeps every promise is not complained of", () => {
  expect(judge(good)).toEqual([]);
  const failed = [token("1.1", "a"), lost("2.1")];
  const shownAndLost = view([token("1.1", "a"), token("1.2", "b"), lost("2.1")]);
  const excused = {
    ...good,
    log: failed,
    readers: [shownAndLost],
    state: "failed",
    excuses: new Set(["path_dead"] as const),
  };
  expect(judge(excused)).toEqual([]);
});

const without = (n: number) => log.filter((_seen, i) => i !== n);

test.each<[string, Partial<JobRecord>, RegExp]>([
  ["a gap", { log: without(1) }, /1\.3 follows 1\.1/],
  ["a repeat", { log: [...log.slice(0, 1), ...log] }, /1\.1 follows 1\.1/],
  ["a log that goes back a term", { log: [...log, token("0.1", "")] }, /0\.1 follows/],
  ["another text", { expected: "abd" }, /from character 2/],
  ["a text cut short", { log: [...log.slice(0, 2), result("1.3", "ab")] }, /from character 2/],
  ["a result unlike its stream", { log: [...log.slice(0, 3), result("1.4", "abd")] }, /the result's text/],
  ["no ending", { log: log.slice(0, 3) }, /no ending/],
  ["two endings", { log: [...log, result("1.5", "abc")] }, /2 endings/],
  ["an ending unlike the state", { state: "failed" }, /says it is failed/],
  ["a failure without a cause", { log: [lost("2.1")], state: "failed", readers: [] }, /without a cause/],
  ["a cancel that nobody asked for", { log: [at("1.1", { type: "state", state: "cancelled" })] }, /nobody cancelled/],
  ["a reader that missed something", { readers: [view(without(1))] }, /missed 1 events, the first 1\.2/],
  ["a reader that was told of less than all", { readers: [view(log.slice(0, 3))] }, /missed 1 events/],
  [
    "a reader that saw something else",
    { readers: [view([token("1.1", "x"), ...log.slice(1)])] },
    /something else at 1\.1/,
  ],
  ["a reader that saw what is in no log", { readers: [view([...log, token("1.5", "d")])] }, /not in the log/],
  ["a reader that saw one thing twice", { readers: [view([...log.slice(0, 1), ...log])] }, /1\.1 after 1\.1/],
])("the checker finds %s", (_what, wrong, complaint) => {
  expect(judge({ ...good, ...wrong }).join("\n")).toMatch(complaint);
});
