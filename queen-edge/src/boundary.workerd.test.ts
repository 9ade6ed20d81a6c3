import { exports } from "cloudflare:workers";
import { errors, limits, operationNames, Problem } from "@rbee/contracts";
import { describe, expect, test } from "vitest";
import { anInventory } from "./testing/fleets.ts";
import { post, queen, run } from "./testing/queen-client.ts";
import { TestHive } from "./testing/test-hive.ts";

/** Every refusal is a whole problem: a stable code, its own status, what was wrong, and what to do. */
async function refused(response: Response): Promise<string> {
  expect(response.headers.get("content-type")).toBe("application/problem+json");
  const problem = Problem.parse(await response.json());
  expect(response.status).toBe(errors[problem.code].status);
  expect(problem.hint).not.toBe("");
  return problem.code;
}

const infer = (over: object) => ({ operation: "infer", model: "bee", prompt: "Hello", ...over });
const nested = (depth: number): unknown => (depth === 0 ? 1 : { a: nested(depth - 1) });

describe("bad input is refused with a clear problem", () => {
  test.each<[string, string, unknown]>([
    ["not JSON", "invalid_json", "{"],
    ["nothing", "invalid_json", ""],
    ["an array", "invalid_input", []],
    ["null", "invalid_input", null],
    ["no operation", "unknown_operation", {}],
    ["an unknown operation", "unknown_operation", { operation: "fly" }],
    ["a name from Object.prototype", "unknown_operation", { operation: "constructor" }],
    ["a missing field", "invalid_input", { operation: "infer", prompt: "x" }],
    ["neither prompt nor messages", "invalid_input", { operation: "infer", model: "bee" }],
    ["both prompt and messages", "invalid_input", infer({ messages: [{ role: "user", content: "x" }] })],
    ["an extra field", "invalid_input", infer({ n_discard: 5 })],
    ["a wrong type", "invalid_input", infer({ max_tokens: "many" })],
    ["a number out of range", "invalid_input", infer({ temperature: -1 })],
    ["a path as a model", "invalid_input", infer({ model: "../../etc/passwd" })],
    ["deep JSON", "invalid_input", infer({ response_format: { type: "json_schema", schema: nested(40) } })],
    ["an unknown model", "model_not_found", infer({ model: "no-such-model" })],
    ["an unknown hive", "hive_not_found", infer({ hive_id: "nowhere" })],
    ["an unknown hive by name", "hive_not_found", { operation: "model_list", hive_id: "nowhere" }],
  ])("%s: %s", async (_what, code, body) => {
    expect(await refused(await post(body))).toBe(code);
  });

  test("bytes that are not UTF-8", async () => {
    const body = new Uint8Array([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x7d]);
    expect(await refused(await queen("/v1/jobs", { method: "POST", body }))).toBe("invalid_json");
  });

  test("2 MB, declared or not", async () => {
    const large = "x".repeat(2 * limits.body_bytes_max);
    expect(await refused(await post(infer({ prompt: large })))).toBe("payload_too_large");
    const stream = new Response(JSON.stringify(infer({ prompt: large }))).body;
    expect(await refused(await queen("/v1/jobs", { method: "POST", body: stream }))).toBe("payload_too_large");
  });

  test.each([
    ["an id that cannot be one", "/v1/jobs/nonsense", "job_not_found"],
    ["an id that is none", "/v1/jobs/job_aaaaaaaaaaaaaaaaaaaaaaaaaa", "job_not_found"],
    ["the stream of no job", "/v1/jobs/job_aaaaaaaaaaaaaaaaaaaaaaaaaa/stream", "job_not_found"],
    ["a bad position", "/v1/jobs/job_aaaaaaaaaaaaaaaaaaaaaaaaaa/stream?after=soon", "invalid_position"],
    ["an unknown format", "/v1/jobs/job_aaaaaaaaaaaaaaaaaaaaaaaaaa/stream?format=xml", "invalid_input"],
    ["a bad limit", "/v1/jobs?limit=1e9", "invalid_input"],
    ["an unknown route", "/v1/nothing", "not_found"],
    ["a lane without upgrade", "/v1/lanes/job_aaaaaaaaaaaaaaaaaaaaaaaaaa", "upgrade_required"],
  ])("%s", async (_what, path, code) => {
    expect(await refused(await queen(path))).toBe(code);
  });

  test("a stream in a format that there is not: nothing is submitted", async () => {
    const before = await (await queen("/v1/jobs")).text();
    const body = JSON.stringify({ operation: "hive_list" });
    const response = await queen("/v1/jobs?format=xml", {
      method: "POST",
      body,
      headers: { accept: "text/event-stream" },
    });
    expect(await refused(response)).toBe("invalid_input");
    expect(await (await queen("/v1/jobs")).text()).toBe(before);
  });

  test("a bad Last-Event-ID", async () => {
    const path = "/v1/jobs/job_aaaaaaaaaaaaaaaaaaaaaaaaaa/stream";
    expect(await refused(await queen(path, { headers: { "last-event-id": "x" } }))).toBe("invalid_position");
  });

  test("a method that the address does not take, with those it does", async () => {
    const response = await queen("/v1/jobs", { method: "PUT" });
    expect(response.headers.get("allow")).toBe("GET, POST");
    expect(await refused(response)).toBe("method_not_allowed");
  });
});

test("a browser may read answers on origins that the owner named, and no other", async () => {
  const ask = (origin: string) =>
    exports.default.fetch("https://queen/v1/jobs", {
      method: "OPTIONS",
      headers: { origin, "access-control-request-method": "POST" },
    });
  expect((await ask("https://app.example")).headers.get("access-control-allow-origin")).toBe("https://app.example");
  expect((await ask("https://evil.example")).headers.get("access-control-allow-origin")).toBeNull();
  const listed = await queen("/v1/jobs", { headers: { origin: "https://app.example" } });
  expect(listed.headers.get("access-control-expose-headers")).toContain("x-rbee-job-id");
});

test("a join token comes with the command that uses it, at the address that was asked", async () => {
  const given = await run<{ token: string; install_command: string }>({ operation: "hive_token_create" });
  expect(given.install_command).toBe(
    `RBEE_JOIN_TOKEN=${given.token} npm run hive -- --queen-url https://queen --models ~/models`,
  );
});

describe("nobody gets in without a key", () => {
  test.each([
    ["POST", "/v1/jobs"],
    ["GET", "/v1/jobs"],
    ["GET", "/v1/jobs/job_aaaaaaaaaaaaaaaaaaaaaaaaaa"],
    ["DELETE", "/v1/jobs/job_aaaaaaaaaaaaaaaaaaaaaaaaaa"],
    ["GET", "/v1/jobs/job_aaaaaaaaaaaaaaaaaaaaaaaaaa/stream"],
  ])("%s %s", async (method, path) => {
    for (const authorization of ["", "Bearer", "Bearer rbk_wrong", "Basic rbk_x"]) {
      const response = await exports.default.fetch(`https://queen${path}`, { method, headers: { authorization } });
      expect(await refused(response)).toBe("unauthorized");
    }
  });

  test("a hive needs its own signature, a right clock, and no browser", async () => {
    const hive = await TestHive.enrol("signed");
    const off = await hive.dial({ "x-rbee-timestamp": String(Date.now() - 2 * limits.signature_skew_ms) });
    expect(Number(off.headers.get("x-rbee-time"))).toBeGreaterThan(0);
    expect(await refused(off)).toBe("unauthorized");
    expect(await refused(await hive.dial({ "x-rbee-nonce": "another" }))).toBe("unauthorized");
    expect(await refused(await hive.dial({ "x-rbee-credential": "e30.AAAA" }))).toBe("unauthorized");
    expect(await refused(await hive.dial({ origin: "https://evil.example" }))).toBe("forbidden");
  });

  test("a connect request is good once: a copy of it neither connects nor disturbs [HIVE-3]", async () => {
    const hive = await TestHive.enrol("copied");
    const headers = await hive.signed();
    expect((await hive.dial(headers)).status).toBe(101);
    await hive.connect();
    expect(await refused(await hive.dial(headers))).toBe("unavailable");
    await post({ operation: "model_list", hive_id: "copied" });
    expect(await hive.op()).toMatchObject({ operation: "model_list" });
    expect((await hive.dial()).status).toBe(101);
  });

  test("a join token works once; joining again ends the older credential", async () => {
    const first = await TestHive.enrol("twice");
    await first.connect();
    const second = await TestHive.enrol("twice");
    expect((await second.dial()).status).toBe(101);
    expect(await refused(await first.dial())).toBe("forbidden");
    const used = await queen("/v1/enroll", {
      method: "POST",
      body: JSON.stringify({ token: "rbj_main_usedusedusedused", public_key: "A".repeat(43), hive_id: "x" }),
    });
    expect(await refused(used)).toBe("unauthorized");
  });

  test("a lane token opens its own lane and no other", async () => {
    const hive = await TestHive.enrol("laned");
    await hive.connect({ inventory: anInventory() });
    await post(infer({ hive_id: "laned" }));
    const op = await hive.op();
    expect((await hive.dialLane({ ...op, job_id: "job_aaaaaaaaaaaaaaaaaaaaaaaaaa" })).status).toBe(401);
    expect((await hive.dialLane({ ...op, lane_token: `${op.lane_token}x` })).status).toBe(401);
    expect((await hive.dialLane(op)).status).toBe(101);
  });
});

test("the OpenAPI document holds every operation of the table", async () => {
  const text = await (await exports.default.fetch("https://queen/openapi.json")).text();
  for (const name of operationNames) expect(text).toContain(`"const":"${name}"`);
});

test("frames that make no sense close that socket and disturb nobody", async () => {
  const hive = await TestHive.enrol("garbled");
  const lines = ["{", "[]", '{"t":"hello"}', '{"t":"nonsense"}', "\u0000"];
  for (const line of lines) {
    const { webSocket } = await hive.dial();
    const closed = new Promise<number>((resolve) => webSocket?.addEventListener("close", ({ code }) => resolve(code)));
    webSocket?.accept();
    webSocket?.send(line);
    expect(await closed).toBe(4412);
  }
  await hive.connect();
});
