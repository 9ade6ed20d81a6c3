import type { JobLine } from "@rbee/sdk";
import { expect, test } from "vitest";
import { mostWanted, type Activity } from "./activities.ts";

const activity = (job_id: string, over = false): Activity => ({
  job_id,
  title: job_id,
  operation: "model_download",
  started_at: 0,
  over,
});
const job = (job_id: string, finished_at?: number): JobLine => ({
  job_id,
  operation: "model_download",
  state: finished_at === undefined ? "running" : "succeeded",
  submitted_at: 0,
  ...(finished_at === undefined ? {} : { finished_at }),
});
const idsOf = (all: readonly Activity[]) => all.map(({ job_id }) => job_id);

test("what runs stands before what is over, newest first", () => {
  const all = [activity("d", true), activity("c"), activity("b", true), activity("a")];
  expect(idsOf(mostWanted(all, [job("c"), job("a")]))).toEqual(["c", "a", "d", "b"]);
});

test("what ended beside those that are shown comes first, and only until that was told", () => {
  const all = [activity("d"), activity("c"), activity("b"), activity("a")];
  const jobs = [job("d"), job("c"), job("b"), job("a", 1)];
  expect(idsOf(mostWanted(all, jobs))).toEqual(["a", "d", "c", "b"]);
  expect(idsOf(mostWanted([...all.slice(0, 3), activity("a", true)], jobs))).toEqual(["d", "c", "b", "a"]);
});
