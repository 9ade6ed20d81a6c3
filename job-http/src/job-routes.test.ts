import type { Scope } from "@rbee/contracts";
import type { JobSpec } from "@rbee/job-core";
import { expect, test } from "vitest";
import { maySee } from "./access.ts";
import { jobRoutes, type JobKeeper } from "./job-routes.ts";
import { errorResponse } from "./problem.ts";

const ASKED: JobSpec = {
  job_id: `job_${"a".repeat(26)}`,
  colony: "main",
  key_id: "alice",
  operation: "infer",
  input: { model: "bee", prompt: "a secret" },
  submitted_at: 1,
};

/** Routes over a keeper that has one job for those who may see it, and the specs that were submitted to it. */
function routesOf(caller: { key_id: string; scope: Scope }, asked = ASKED) {
  const submitted: JobSpec[] = [];
  const jobs: JobKeeper = {
    request: async (id) => (id === asked.job_id && maySee(caller, asked) ? asked : undefined),
    submit: async (spec) => ({ ok: { created: submitted.push(spec) > 0 } }),
    view: async () => undefined,
    cancel: async () => undefined,
    list: async () => [],
    read: async () => undefined,
  };
  const routes = jobRoutes(async () => ({ principal: { colony: "main", ...caller }, jobs, secret: "s" }));
  routes.onError(errorResponse);
  const retry = (id = asked.job_id): Response | Promise<Response> => routes.request(`/${id}/retry`, { method: "POST" });
  return { submitted, retry };
}

test("[RETRY-1] a job is retried by its own key, or an operator's, under whose key it then runs", async () => {
  for (const caller of [
    { key_id: "alice", scope: "infer" },
    { key_id: "olga", scope: "operator" },
  ] as const) {
    const { retry, submitted } = routesOf(caller);
    const answer = await retry();
    expect(answer.status).toBe(202);
    expect(await answer.text()).not.toContain("secret");
    expect(submitted).toMatchObject([{ operation: "infer", input: ASKED.input, key_id: caller.key_id }]);
    expect(submitted[0]?.job_id).not.toBe(ASKED.job_id);
  }
});

test("[RETRY-1] nobody else's key retries it, and no key gets more from a retry than from asking itself", async () => {
  const stranger = routesOf({ key_id: "bob", scope: "infer" });
  expect((await stranger.retry()).status).toBe(404);
  const operators = { ...ASKED, operation: "model_delete", input: { hive_id: "den", id: "bee" } } as const;
  const demoted = routesOf({ key_id: "alice", scope: "infer" }, operators);
  expect((await demoted.retry()).status).toBe(403);
  const unknown = routesOf({ key_id: "alice", scope: "infer" });
  expect((await unknown.retry(`job_${"b".repeat(26)}`)).status).toBe(404);
  expect((await unknown.retry("../x")).status).toBe(404);
  for (const { submitted } of [stranger, demoted, unknown]) expect(submitted).toEqual([]);
});

test("[RETRY-1] what was asked for is held against today's rules", async () => {
  const old = { ...ASKED, input: { ...ASKED.input, gone_since: 1 } };
  const { retry, submitted } = routesOf({ key_id: "alice", scope: "infer" }, old);
  expect((await retry()).status).toBe(400);
  expect(submitted).toEqual([]);
});
