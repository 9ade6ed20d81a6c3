import { runDurableObjectAlarm } from "cloudflare:test";
import { env, exports } from "cloudflare:workers";
import {
  limits,
  operationNames,
  operationOf,
  reaches,
  scopes,
  type JobLine,
  type OperationName,
  type Scope,
} from "@rbee/contracts";
import { afterEach, describe, expect, test, vi } from "vitest";
import { z } from "zod";
import { anInventory } from "./testing/fleets.ts";
import { codeOf, INFER, makeKey, post, queen, shows, submitWith } from "./testing/queen-client.ts";
import { TestHive } from "./testing/test-hive.ts";

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

const registry = () => env.REGISTRY.getByName("main");

describe("scopes", () => {
  test("[KEY-5] every operation is refused to the scopes below its own, and to no other", async () => {
    const keys = new Map<Scope, string>();
    for (const scope of scopes) keys.set(scope, (await makeKey(`scope-${scope}`, scope)).key);
    vi.spyOn(globalThis, "fetch").mockRejectedValue(new Error("no hub here"));
    const refused = new Map<string, Scope[]>();
    for (const operation of operationNames)
      for (const scope of scopes) {
        const code = await codeOf(await post({ operation, ...leastInput(operation) }, shows(keys.get(scope) ?? "")));
        expect([operation, code]).not.toEqual([operation, "invalid_input"]);
        if (code === "forbidden") refused.set(operation, [...(refused.get(operation) ?? []), scope]);
      }
    const below = operationNames.map((name) => [
      name,
      scopes.filter((scope) => !reaches(scope, operationOf(name).scope)),
    ]);
    expect(Object.fromEntries(operationNames.map((name) => [name, refused.get(name) ?? []]))).toEqual(
      Object.fromEntries(below),
    );
  });

  test.each(["/metrics", "/v1/heartbeats/stream"])("%s is for operators", async (path) => {
    for (const scope of scopes) {
      const { key } = await makeKey(`sees-${scope}`, scope);
      const code = await codeOf(await queen(path, { headers: shows(key) }));
      expect([scope, code]).toEqual([scope, scope === "infer" ? "forbidden" : undefined]);
    }
  });
});

/** The least that a row takes, for a hive that is not there: nothing of it happens. */
function leastInput(operation: OperationName): Record<string, unknown> {
  const { input } = operationOf(operation);
  const { required = [] } = z.toJSONSchema(input, { io: "input", unrepresentable: "any" });
  const asked = [...required, ...(oneOf[operation] ?? [])];
  return {
    ...("hive_id" in input.shape ? { hive_id: "nowhere" } : {}),
    ...Object.fromEntries(asked.map((field) => [field, values[field] ?? `${field}-x`])),
  };
}

/** Where one of two fields is needed. */
const oneOf: Partial<Record<OperationName, string[]>> = {
  infer: ["prompt"],
  worker_process_get: ["worker_id"],
  worker_process_delete: ["worker_id"],
};

const values: Readonly<Record<string, unknown>> = {
  id: "bee",
  key_id: "nobody",
  model: "bee",
  worker_id: "worker-x-9100",
  worker_type: "llama-server",
};

describe("jobs", () => {
  test("[KEY-4] an infer key sees its own only; operators see all but what only admins may ask for", async () => {
    const hive = await TestHive.enrol("seen");
    await hive.connect({ inventory: anInventory({}) });
    const [mine, others, operator] = [
      (await makeKey("mine")).key,
      (await makeKey("others")).key,
      (await makeKey("operates", "operator")).key,
    ];
    const request = { ...INFER, hive_id: "seen" };
    const own = await submitWith(request, mine);
    const foreign = await submitWith(request, others);
    const secret = await submitWith({ operation: "key_create", name: "secret" });
    const seenBy = async (key: string, id: string): Promise<number[]> => {
      const statuses: number[] = [];
      for (const [path, method] of [
        [`/v1/jobs/${id}`, "GET"],
        [`/v1/jobs/${id}/stream`, "GET"],
        [`/v1/responses/${id.replace("job_", "resp_")}`, "GET"],
        [`/v1/jobs/${id}`, "DELETE"],
      ] as const) {
        const response = await queen(path, { method, headers: shows(key) });
        statuses.push(response.status);
        await response.body?.cancel();
      }
      return statuses;
    };
    const listedTo = async (key: string): Promise<string[]> => {
      const { jobs }: { jobs: JobLine[] } = await (await queen("/v1/jobs", { headers: shows(key) })).json();
      return jobs.map(({ job_id }) => job_id).filter((id) => [own, foreign].includes(id));
    };
    expect([await listedTo(mine), await listedTo(others)]).toEqual([[own], [foreign]]);
    expect((await listedTo(operator)).toSorted()).toEqual([own, foreign].toSorted());
    expect(await seenBy(mine, foreign)).toEqual([404, 404, 404, 404]);
    expect((await queen(`/v1/jobs/${foreign}`, { headers: shows(others) })).status).toBe(200);
    expect(await seenBy(operator, secret)).toEqual([404, 404, 404, 404]);
    // No job of OpenAI's responses; all else is theirs.
    expect(await seenBy(mine, own)).toEqual([200, 200, 404, 200]);
    expect(await seenBy(operator, foreign)).toEqual([200, 200, 404, 200]);
    await hive.hangUp();
    // The history knows whose they were, too.
    for (const id of [own, foreign]) {
      vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + limits.cancel_grace_ms + 1 });
      await runDurableObjectAlarm(env.JOB.getByName(`main/${id}`));
    }
    const remaining = limits.open_jobs_per_key_max;
    await expect.poll(() => registry().allowances("none")).toMatchObject({ requests: { remaining } });
    expect([await listedTo(mine), await listedTo(others)]).toEqual([[own], [foreign]]);
  });

  test("a background response is its key's own, also as the one to go on with", async () => {
    const hive = await TestHive.enrol("answers");
    await hive.connect({ inventory: anInventory({}) });
    const [mine, others] = [(await makeKey("mine")).key, (await makeKey("others")).key];
    const ask = (key: string, path: string, body?: object) =>
      exports.default.fetch(`https://queen/v1/responses${path}`, {
        headers: { ...shows(key), "content-type": "application/json" },
        ...(body === undefined ? {} : { method: "POST", body: JSON.stringify(body) }),
      });
    const made = await ask(mine, "", { model: "bee", input: "x", background: true });
    const { id }: { id: string } = await made.json();
    expect((await ask(mine, `/${id}`)).status).toBe(200);
    expect((await ask(others, `/${id}`)).status).toBe(404);
    expect((await ask(others, `/${id}/cancel`, {})).status).toBe(404);
    const went = await ask(others, "", { model: "bee", input: "y", previous_response_id: id });
    expect(await went.json()).toMatchObject({ error: { code: "previous_response_not_found" } });
    expect((await ask(mine, `/${id}/cancel`, {})).status).toBe(200);
    await hive.hangUp();
  });
});
