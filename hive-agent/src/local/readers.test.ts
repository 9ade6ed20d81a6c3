import { limits } from "@rbee/contracts";
import { endedByHive, EventLog, newlyQueued, origin, OwnLogRows, place, type KeptJob } from "@rbee/job-core";
import { expect, test } from "vitest";
import { NodeSql } from "../storage/node-sql.ts";
import { Reader } from "./readers.ts";
import { linesOf } from "./testing.ts";

const COUNT = 20_000;
const texts = Array.from({ length: COUNT }, (_, i) => `${i} and some more words `);
/** What one write may add beyond the window. */
const SLACK = 32_768;

function longJob(over: boolean): KeptJob {
  const log = new EventLog(OwnLogRows.create(new NodeSql(":memory:")));
  const placed = place(newlyQueued(""), { hive_id: "den" }, 0);
  log.begin(placed.term);
  log.append(texts.map((text) => ({ type: "token", text })));
  if (over) log.append([{ type: "result", result: {} }]);
  log.commit();
  const spec = {
    job_id: "j",
    colony: "local",
    key_id: "local",
    operation: "infer",
    input: {},
    submitted_at: 0,
  } as const;
  return { spec, log, phase: over ? endedByHive(placed, { state: "succeeded", now: 1 }) : placed };
}

test("[READ-6] a client is written no further ahead than the window, and gets all of it as it takes", () => {
  const job = longJob(true);
  let text = "";
  let taken = 0;
  const seen = { end: false };
  const feed = { write: (events: string) => void (text += events), end: () => void (seen.end = true) };
  const reader = new Reader(job, { format: "text", after: origin }, feed);
  const withinWindow = () => expect(text.length - taken).toBeLessThan(limits.reader_window_chars + SLACK);
  for (withinWindow(); !seen.end; withinWindow()) {
    expect(text.length).toBeGreaterThan(taken);
    const more = text.length - taken;
    taken = text.length;
    reader.taken(more);
  }
  const said = linesOf(text);
  expect(said.slice(0, COUNT)).toEqual(texts.map((one) => `[TOKEN] ${JSON.stringify(one)}`));
  expect(said.slice(COUNT)).toEqual(["{}", "[DONE]"]);
});

test("[READ-6] while it is behind it is shown nothing new; it reads that in the log, in order", () => {
  const job = longJob(false);
  let text = "";
  const reader = new Reader(
    job,
    { format: "text", after: origin },
    { write: (events) => void (text += events), end: () => undefined },
  );
  const before = text.length;
  const fresh = job.log.append([{ type: "token", text: "last" }]);
  job.log.commit();
  reader.show(fresh);
  expect(text.length).toBe(before);
  for (let taken = 0; taken < text.length;) {
    const more = text.length - taken;
    taken = text.length;
    reader.taken(more);
  }
  expect(linesOf(text)).toEqual([...texts, "last"].map((one) => `[TOKEN] ${JSON.stringify(one)}`));
});
