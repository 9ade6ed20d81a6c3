import type { JobEvent } from "@rbee/contracts";
import { EventLog, type Ended } from "@rbee/job-core";
import { expect, test } from "vitest";
import { NodeSql } from "../../../hive-agent/src/storage/node-sql.ts";
import { endingOf } from "./views.ts";

const token = (text: string, tokens?: number): JobEvent => ({
  type: "token",
  text,
  ...(tokens === undefined ? {} : { prompt: { tokens, cached_tokens: tokens - 1 } }),
});

const cancelled = (dispatches: number): Ended => ({ state: "cancelled", term: 3, dispatches, finished_at: 1 });

test("a job that was hung up on costs its prompt too, as the last hive that answered it counted it", () => {
  const log = EventLog.create(new NodeSql(":memory:"));
  const work = (dispatches: number) => endingOf(log, cancelled(dispatches)).work;
  const nothing = { prompt_tokens: 0, cached_tokens: 0, completion_tokens: 0 };
  expect(work(0)).toEqual({ ...nothing, dispatches: 0 });
  log.begin(1);
  log.append([token("What", 5), token(" do")]);
  log.commit();
  expect(work(1)).toEqual({ prompt_tokens: 5, cached_tokens: 4, completion_tokens: 2, dispatches: 1 });
  log.begin(3);
  log.append([token(" bees", 7), token(" eat?")]);
  log.commit();
  expect(work(2)).toEqual({ prompt_tokens: 7, cached_tokens: 6, completion_tokens: 4, dispatches: 2 });
});
