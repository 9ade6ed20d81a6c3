import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env, exports } from "cloudflare:workers";
import {
  errors,
  limits,
  operationNames,
  operationOf,
  Problem,
  reaches,
  scopes,
  type ApiKey,
  type JobLine,
  type OperationName,
  type Scope,
} from "@rbee/contracts";
import fc from "fast-check";
import { afterEach, describe, expect, test, vi } from "vitest";
import { z } from "zod";
import { durableSql } from "./durable/durable-sql.ts";
import type { RegistryObject } from "./durable/registry-object.ts";
import { Keys } from "./queen/keys.ts";
import { anInventory } from "./testing/fleets.ts";
import { INFER, post, queen, readAll, run, SseReader } from "./testing/queen-client.ts";
import { TestHive } from "./testing/test-hive.ts";

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

type Made = ApiKey & { key: string };
const make = (name: string, scope: Scope = "infer", more: object = {}) =>
  run<Made>({ operation: "key_create", name, scope, ...more });
const shows = (key: string) => ({ authorization: `Bearer ${key}` });
const registry = () => env.REGISTRY.getByName("main");

async function codeOf(response: Response): Promise<string | undefined> {
  if (response.ok) {
    await response.body?.cancel();
    return undefined;
  }
  const problem = Problem.parse(await response.json());
  expect(response.status).toBe(errors[problem.code].status);
  return problem.code;
}
const models = async (key: string): Promise<number> => {
  const response = await queen("/v1/models", { headers: shows(key) });
  await response.body?.cancel();
  return response.status;
};

/** Every text and number that an object has stored. */
const stored = (stub: DurableObjectStub): Promise<string> =>
  runInDurableObject(stub, (_, { storage }) =>
    storage.sql
      .exec<{ name: string }>(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_cf%' ESCAPE '\\'",
      )
      .toArray()
      .map(({ name }) => JSON.stringify(storage.sql.exec(`SELECT * FROM ${name}`).toArray()))
      .join("\n"),
  );

describe("a key", () => {
  test("[KEY-1] is stored as a hash only; the job that made it is forgotten after a minute, not an hour", async () => {
    const response = await post({ operation: "key_create", name: "hashed" });
    const { job_id }: { job_id: string } = await response.json();
    const { key, key_id } = JSON.parse((await readAll(job_id))[0]?.data ?? "") as Made;
    expect(key).toMatch(/^rbk_[A-Za-z0-9_.-]{80,}$/);
    const books = await stored(registry());
    expect(books).toContain(key_id);
    expect(books).not.toContain(key);
    expect(books).not.toContain(key.slice(-40));
    // The line to whoever asked may break: for a while it can be read again.
    const job = env.JOB.getByName(`main/${job_id}`);
    expect(await stored(job)).toContain(key);
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + limits.secret_retention_ms + 1 });
    await runDurableObjectAlarm(job);
    expect((await queen(`/v1/jobs/${job_id}`)).status).toBe(404);
    expect(await stored(job)).not.toContain(key);
  });

  test("is listed with what it may do and when it was used, and not with itself", async () => {
    const { key, key_id } = await make("listed", "operator", { expires_in: 60 });
    const found = async () => {
      const { keys } = await run<{ keys: ApiKey[] }>({ operation: "key_list" });
      expect(JSON.stringify(keys)).not.toContain(key);
      return keys.find((one) => one.key_id === key_id);
    };
    const before = await found();
    expect(before).toMatchObject({ name: "listed", scope: "operator" });
    expect((before?.expires_at ?? 0) - (before?.created_at ?? 0)).toBe(60_000);
    expect(before).not.toHaveProperty("last_used");
    expect(await models(key)).toBe(200);
    await evictDurableObject(registry());
    expect((await found())?.last_used).toBeGreaterThanOrEqual(before?.created_at ?? Infinity);
  });

  test("[KEY-3] that is revoked is refused within a second, by every API in its own words; another one is not", async () => {
    const [gone, other] = [await make("gone", "admin"), await make("gone", "admin")];
    expect(gone.key_id).not.toBe(other.key_id);
    expect([await models(gone.key), await models(other.key)]).toEqual([200, 200]);
    const watching = await queen("/v1/heartbeats/stream", { headers: shows(gone.key) });
    const watcher = new SseReader(watching);
    await watcher.next();
    await run({ operation: "key_revoke", key_id: gone.key_id });
    // Who watched with it sees the end of it.
    await watcher.rest();
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + limits.key_known_ms });
    for (const [path, shape] of [
      ["/v1/jobs", { code: "unauthorized" }],
      ["/v1/models", { error: { type: expect.any(String) as string } }],
      ["/v1/messages", { type: "error", error: { type: "authentication_error" } }],
      ["/api/tags", { error: expect.any(String) as string }],
      ["/metrics", { code: "unauthorized" }],
      ["/v1/heartbeats/stream", { code: "unauthorized" }],
    ] as const) {
      const refused = await queen(path, {
        headers: shows(gone.key),
        ...(path === "/v1/messages" ? { method: "POST" } : {}),
      });
      expect([path, refused.status]).toEqual([path, 401]);
      expect(await refused.json()).toMatchObject(shape);
    }
    expect(await models(other.key)).toBe(200);
    const again = await readAll(await submitted({ operation: "key_revoke", key_id: gone.key_id }));
    expect(again[0]?.data).toContain("[ERROR] not_found");
  });

  test("is worthless when its time is up, and then makes room for another", async () => {
    const { key, key_id } = await make("brief", "infer", { expires_in: 1 });
    expect(await models(key)).toBe(200);
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 1_000 });
    expect(await models(key)).toBe(401);
    const { keys } = await run<{ keys: ApiKey[] }>({ operation: "key_list" });
    expect(keys.map((one) => one.key_id)).not.toContain(key_id);
  });

  test("that the queen did not make asks the registry nothing; one that she made asks once a second", async () => {
    const { key } = await make("asking");
    const asked = await runInDurableObject(registry(), (object) =>
      vi.spyOn(Object.getPrototypeOf(object) as RegistryObject, "grantOf"),
    );
    const forged = [
      "rbk_",
      "rbk_main",
      "rbk_.",
      key.slice(0, -1),
      `${key}A`,
      `${key}.A`,
      key.replace("rbk_", "rbj_"),
      key.toUpperCase(),
      key.replace(/.$/, (last) => (last === "A" ? "E" : "A")),
    ];
    for (const bad of forged) expect([bad, await models(bad)]).toEqual([bad, 401]);
    await fc.assert(
      fc.asyncProperty(fc.stringMatching(/^[!-~]{0,120}$/), fc.nat(key.length - 5), async (junk, at) => {
        const mixed = [`rbk_${junk}`, key.slice(0, 4 + at) + junk + key.slice(5 + at)];
        for (const bad of mixed.filter((one) => one !== key)) expect([bad, await models(bad)]).toEqual([bad, 401]);
      }),
      { numRuns: 50 },
    );
    expect(asked).not.toHaveBeenCalled();
    for (let n = 0; n < 5; n++) expect(await models(key)).toBe(200);
    expect(asked.mock.calls.length).toBeLessThanOrEqual(2);
    expect(asked).toHaveBeenCalled();
    asked.mockRestore();
  });

  test("nobody has more of them than there may be", async () => {
    await runInDurableObject(registry(), (_, { storage }) => {
      const keys = new Keys(durableSql(storage));
      for (let n = keys.list(0).length; n < limits.keys_max; n++)
        keys.add(`hash ${n}`, {
          key_id: `filler-${n}`,
          name: "filler",
          scope: "infer",
          created_at: 0,
          expires_at: n + 1,
        });
    });
    vi.useFakeTimers({ toFake: ["Date"], now: 0 });
    const refused = await readAll(await submitted({ operation: "key_create", name: "one-more" }));
    expect(refused[0]?.data).toContain("[ERROR] queue_full");
    vi.useRealTimers();
    // Those whose time is up make room.
    expect((await make("one-more")).name).toBe("one-more");
  });
});

async function submitted(body: Record<string, unknown>, key?: string): Promise<string> {
  const response = await post(body, key === undefined ? {} : shows(key));
  const { job_id }: { job_id: string } = await response.json();
  return job_id;
}

describe("scopes", () => {
  test(
    "[KEY-5] every operation is refused to the scopes below its own, and to no other",
    { timeout: 30_000 },
    async () => {
      const keys = new Map<Scope, string>();
      for (const scope of scopes) keys.set(scope, (await make(`scope-${scope}`, scope)).key);
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
    },
  );

  test.each(["/metrics", "/v1/heartbeats/stream"])("%s is for operators", async (path) => {
    for (const scope of scopes) {
      const { key } = await make(`sees-${scope}`, scope);
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
      (await make("mine")).key,
      (await make("others")).key,
      (await make("operates", "operator")).key,
    ];
    const request = { ...INFER, hive_id: "seen" };
    const own = await submitted(request, mine);
    const foreign = await submitted(request, others);
    const secret = await submitted({ operation: "key_create", name: "secret" });
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
    await expect.poll(() => registry().placesLeft("none")).toBe(limits.open_jobs_per_key_max);
    expect([await listedTo(mine), await listedTo(others)]).toEqual([[own], [foreign]]);
  });

  test("a background response is its key's own, also as the one to go on with", async () => {
    const hive = await TestHive.enrol("answers");
    await hive.connect({ inventory: anInventory({}) });
    const [mine, others] = [(await make("mine")).key, (await make("others")).key];
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
