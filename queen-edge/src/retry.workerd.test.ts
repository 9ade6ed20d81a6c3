import { expect, test } from "vitest";
import { queen, readAll, view } from "./testing/queen-client.ts";
import { TestHive } from "./testing/test-hive.ts";

test("[RETRY-1] an ended job is asked for once more, by its id alone", async () => {
  const hive = await TestHive.enrol("hive-retry");
  await hive.connect();
  const { id, lane, op } = await hive.start({ operation: "infer", model: "bee", prompt: "Hello", max_tokens: 7 });
  await lane.end(0, { status: "succeeded", result: { text: "", finish_reason: "stop" } });
  await readAll(id);
  const headers = { "idempotency-key": "again" };
  const retry = (): Promise<Response> => queen(`/v1/jobs/${id}/retry`, { method: "POST", headers });
  const answer = await retry();
  expect(answer.status).toBe(202);
  const { job_id }: { job_id: string } = await answer.json();
  expect(job_id).not.toBe(id);
  const second = await hive.op();
  expect(second).toMatchObject({ operation: op.operation, input: op.input, job_id });
  expect((await retry()).status).toBe(200);
  expect(await view(job_id)).toMatchObject({ operation: "infer", dispatches: 1 });
  await hive.hangUp();
});
