import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { limits, type ApiKey } from "@rbee/contracts";
import fc from "fast-check";
import { afterEach, describe, expect, test, vi } from "vitest";
import { durableSql } from "./durable/durable-sql.ts";
import type { RegistryObject } from "./durable/registry-object.ts";
import { Keys } from "./queen/keys.ts";
import {
  INFER,
  makeKey,
  post,
  queen,
  readAll,
  run,
  shows,
  SseReader,
  submitWith,
  type MadeKey,
} from "./testing/queen-client.ts";

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

const registry = () => env.REGISTRY.getByName("main");

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
    const { key, key_id } = JSON.parse((await readAll(job_id))[0]?.data ?? "") as MadeKey;
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
    const { key, key_id } = await makeKey("listed", "operator", { expires_in: 60 });
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
    const [gone, other] = [await makeKey("gone", "admin"), await makeKey("gone", "admin")];
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
    const again = await readAll(await submitWith({ operation: "key_revoke", key_id: gone.key_id }));
    expect(again[0]?.data).toContain("[ERROR] not_found");
  });

  test("[KEY-3] that a Worker still takes submits nothing once it is revoked, and makes no other key", async () => {
    // The second in which the Worker knows the key does not pass.
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
    const { key, key_id } = await makeKey("slow", "admin");
    expect(await models(key)).toBe(200);
    await run({ operation: "key_revoke", key_id });
    expect(await models(key)).toBe(200);
    for (const asked of [INFER, { operation: "key_create", name: "heir" }]) {
      const refused = await post(asked, shows(key));
      expect([refused.status, await refused.json()]).toMatchObject([401, { code: "unauthorized" }]);
    }
    const { keys } = await run<{ keys: ApiKey[] }>({ operation: "key_list" });
    expect(keys.map(({ name }) => name)).not.toContain("heir");
  });

  test("is worthless when its time is up, and then makes room for another", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const { key, key_id } = await makeKey("brief", "infer", { expires_in: 1 });
    expect(await models(key)).toBe(200);
    vi.setSystemTime(Date.now() + 1_000);
    expect(await models(key)).toBe(401);
    const { keys } = await run<{ keys: ApiKey[] }>({ operation: "key_list" });
    expect(keys.map((one) => one.key_id)).not.toContain(key_id);
  });

  test("that the queen did not make asks the registry nothing; one that she made asks once a second", async () => {
    const { key } = await makeKey("asking");
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
      // The bits of the last character that mean nothing.
      key.replace(/.$/, (last) => String.fromCharCode(last.charCodeAt(0) + 1)),
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
    vi.useFakeTimers({ toFake: ["Date"] });
    for (const times of [1, 2]) {
      for (let n = 0; n < 5; n++) expect(await models(key)).toBe(200);
      expect(asked).toHaveBeenCalledTimes(times);
      vi.setSystemTime(Date.now() + limits.key_known_ms);
    }
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
    const refused = await readAll(await submitWith({ operation: "key_create", name: "one-more" }));
    expect(refused[0]?.data).toContain("[ERROR] limit_reached");
    vi.useRealTimers();
    // Those whose time is up make room.
    expect((await makeKey("one-more")).name).toBe("one-more");
  });
});
