import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { queenTimeHeader, RbeeError, type Check, type Device, type ModelInfo } from "@rbee/contracts";
import { afterEach, beforeEach, expect, test } from "vitest";
import { EngineStore } from "../binaries/store.ts";
import { selfHandlers } from "../handlers/self.ts";
import type { HiveContext } from "../jobs/handler.ts";
import { NodeSql } from "../storage/node-sql.ts";
import { selfChecks, type Foundations } from "./checks.ts";

const cpu: Device = { id: "cpu", kind: "cpu", name: "A CPU", memory_total_bytes: 4_096, memory_free_bytes: 2_048 };
const model: ModelInfo = { id: "bee", name: "bee.gguf", size_bytes: 3 * 2 ** 20, status: "ready", loaded: false };

/** A queen that only knows what time it is. */
let ahead_ms: number;
const queen = createServer((_request, response) => {
  response.writeHead(200, { [queenTimeHeader]: String(Date.now() + ahead_ms) }).end("{}");
});
let queen_url: string;
beforeEach(async () => {
  ahead_ms = 0;
  queen.listen(0, "127.0.0.1");
  await once(queen, "listening");
  queen_url = `http://127.0.0.1:${(queen.address() as AddressInfo).port}`;
});
afterEach(async () => {
  queen.close();
  queen.closeAllConnections();
});

async function check(over: Partial<Foundations> = {}): Promise<Map<string, Check>> {
  const sql = new NodeSql(":memory:");
  const engines = new EngineStore(tmpdir());
  const foundations: Foundations = {
    home: tmpdir(),
    queen_url,
    sql,
    catalogue: { list: async () => [model] },
    devices: async () => [cpu],
    engineFor: (kind) => engines.packageOf(kind),
    rtt: async () => 1.26,
    ...over,
  };
  const handlers = selfHandlers({ lookAgain: async () => [cpu], checks: selfChecks(foundations) });
  const { signal } = new AbortController();
  const running = handlers.hive_check({ hive_id: "den" }, { signal } as HiveContext);
  for (;;) {
    const step = await running.next();
    if (step.done !== true) continue;
    sql.close();
    return new Map(step.value.checks.map((check) => [check.name, check]));
  }
}

test("a hive that is well: every check says what it saw, a real engine among them", async () => {
  const found = await check();
  expect([...found.values()].filter(({ ok }) => !ok)).toEqual([]);
  expect(found.get("engine")?.detail).toMatch(/^cpu \(llama\.cpp \S+\) starts in \d+ ms$/);
  expect(found.get("devices")?.detail).toBe("cpu A CPU (2.0 KiB free)");
  expect(found.get("models")?.detail).toBe("1 model, 3.0 MiB");
  expect(found.get("queen")?.detail).toBe("the queen answers within 1.3 ms");
  expect(found.get("disk")?.detail).toMatch(/ are free at /);
});

test("what is wrong is said with what to do, and stops no other check", async () => {
  ahead_ms = 3_600_000;
  const board: Device = { ...cpu, id: "cuda:0", kind: "cuda", name: "A GPU" };
  const found = await check({
    sql: new NodeSql(":memory:"),
    catalogue: { list: async () => [model, { ...model, id: "wasp", status: "invalid" }] },
    devices: async () => [board],
    engineFor: () => undefined,
    rtt: async () => {
      throw new RbeeError("unavailable", "the queen did not answer");
    },
  });
  const bad = [...found.values()].filter(({ ok }) => !ok);
  expect(bad.map(({ name }) => name)).toEqual(["devices", "engine", "models", "clock", "queen"]);
  expect(found.get("devices")?.detail).toContain("rbee workers install cuda-llm-worker");
  expect(found.get("models")?.detail).toContain("damaged: wasp");
  expect(found.get("clock")?.detail).toMatch(/^3[56]\d{5} ms behind the queen's: set this machine's clock/);
  expect(found.get("queen")?.detail).toBe("the queen did not answer");
});

test("an engine that does not start says why", async () => {
  const broken = { name: "@node-llama-cpp/linux-x64", folder: "/nowhere" };
  const found = await check({ engineFor: () => broken });
  expect(found.get("engine")).toMatchObject({
    ok: false,
    detail: expect.stringMatching(/cpu engine does not start: ./),
  });
});

test("a journal that cannot be written, and a queen that is not there", async () => {
  const sql = new NodeSql(":memory:");
  sql.close();
  const found = await check({ sql, queen_url: "http://127.0.0.1:9" });
  expect(found.get("storage")?.ok).toBe(false);
  expect(found.get("clock")).toMatchObject({ ok: false, detail: "the queen does not tell her time" });
});

test("a look at the devices tells them one by one", async () => {
  const handlers = selfHandlers({ lookAgain: async () => [cpu], checks: [] });
  const { signal } = new AbortController();
  const running = handlers.hive_refresh_capabilities({ hive_id: "den" }, { signal } as HiveContext);
  const said: string[] = [];
  for (;;) {
    const step = await running.next();
    if (step.done === true) {
      expect(step.value).toEqual({ success: true, device_count: 1, devices: [cpu] });
      break;
    }
    said.push(step.value.human);
  }
  expect(said.at(-1)).toBe("cpu: A CPU");
});
