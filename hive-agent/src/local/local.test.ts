import { once } from "node:events";
import { statSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import { narrate, problemOf, RbeeError } from "@rbee/contracts";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { aborted, token } from "../link/testing/handlers.ts";
import { linesOf, LocalHouse, until, type Play } from "./testing.ts";

let house: LocalHouse;
beforeEach(() => (house = new LocalHouse()));
afterEach(() => house.end());

const RESULT = { models: [] };
const words = (...said: string[]): Play =>
  async function* () {
    yield narrate("hive", "look", "Looking");
    for (const word of said) yield token(word);
    return RESULT;
  };
/** Says its words, behind those that were said before a restart, and waits there. */
const stuck = (...said: string[]): Play =>
  async function* ({ signal, resume_after_tokens = 0 }) {
    for (const word of said.slice(resume_after_tokens)) yield token(word);
    await aborted(signal);
    throw signal.reason;
  };

describe("one job", () => {
  test("runs from POST to [DONE], and is kept", async () => {
    await house.start(words("a", "b"));
    const id = await house.submit();
    expect(await house.read(id)).toEqual([
      "[INFO] Looking",
      '[TOKEN] "a"',
      '[TOKEN] "b"',
      JSON.stringify(RESULT),
      "[DONE]",
    ]);
    expect(await house.view(id)).toMatchObject({ state: "succeeded", result: RESULT, hive_id: "den", dispatches: 1 });
    const { jobs } = (await (await house.fetch("/v1/jobs")).json()) as { jobs: unknown[] };
    expect(jobs).toMatchObject([{ job_id: id, state: "succeeded", operation: "model_list" }]);
    expect(await house.read(id, "?after=1.2")).toEqual(['[TOKEN] "b"', JSON.stringify(RESULT), "[DONE]"]);
    expect(await house.read(id, "?after=1.4")).toEqual(["[DONE]"]);
    expect((await house.fetch(`/v1/jobs/${id}/stream`, { headers: { "last-event-id": "1.4" } })).status).toBe(204);
  });

  test("POST may answer with the stream; the same Idempotency-Key meets the same job", async () => {
    await house.start(words("a"));
    const headers = { "idempotency-key": "monday", accept: "text/event-stream" };
    const first = await house.post({ operation: "model_list" }, headers);
    const seen = await first.text();
    expect(seen).toContain('id: 1.2\ndata: [TOKEN] "a"');
    const again = await house.post({ operation: "model_list" }, { "idempotency-key": "monday" });
    expect([again.status, await again.json()]).toMatchObject([200, { job_id: first.headers.get("x-rbee-job-id") }]);
    const other = await house.post({ operation: "model_get", id: "x" }, { "idempotency-key": "monday" });
    expect([other.status, await other.json()]).toMatchObject([422, { code: "idempotency_conflict" }]);
  });

  test("[READ-1] readers of before, in the middle and behind see the same; a failure ends with its code", async () => {
    const go = Promise.withResolvers<void>();
    await house.start(async function* () {
      yield token("a");
      await go.promise;
      yield token("b");
      throw new RbeeError("model_not_found", "none here");
    });
    const id = await house.submit();
    const early = house.fetch(`/v1/jobs/${id}/stream`);
    await until((await early).clone(), '"a"');
    const later = house.read(id);
    go.resolve();
    const expected = ['[TOKEN] "a"', '[TOKEN] "b"', expect.stringContaining("[ERROR] model_not_found"), "[DONE]"];
    expect(await later).toEqual(expected);
    expect(await house.read(id)).toEqual(expected);
    expect(await house.view(id)).toMatchObject({ state: "failed", error: { code: "model_not_found" } });
  });

  test("cancel stops the handler; cancelling twice is the same as once", async () => {
    await house.start(stuck("a"));
    const id = await house.submit();
    await until(await house.fetch(`/v1/jobs/${id}/stream`), '"a"');
    const cancel = async () => (await house.fetch(`/v1/jobs/${id}`, { method: "DELETE" })).json();
    expect(await cancel()).toEqual({ job_id: id, status: "cancelling" });
    expect(await house.read(id)).toEqual(['[TOKEN] "a"', "[CANCELLED]", "[DONE]"]);
    expect(await cancel()).toEqual({ job_id: id, status: "cancelled" });
  });

  test("[READ-7] a client that said so cancels by leaving; another reader's leaving cancels nothing", async () => {
    await house.start(stuck("a"));
    const id = await house.submit();
    const leave = async (query: string) => {
      const leaving = new AbortController();
      await until(await house.fetch(`/v1/jobs/${id}/stream${query}`, { signal: leaving.signal }), '"a"');
      leaving.abort();
    };
    const whole = house.read(id);
    await leave("");
    expect(await house.view(id)).toMatchObject({ state: "running", cancelling: false });
    await leave("?on_disconnect=cancel");
    expect(await whole).toEqual(['[TOKEN] "a"', "[CANCELLED]", "[DONE]"]);
  });

  test("[READ-6] a client that takes nothing is not written ahead of; when it takes, it gets everything", async () => {
    const many = Array.from({ length: 20_000 }, (_, i) => `${i} and then some more words `);
    const done = Promise.withResolvers<void>();
    await house.start(async function* () {
      for (const text of many) yield token(text);
      done.resolve();
      return RESULT;
    });
    const id = await house.submit();
    const slow = await house.fetch(`/v1/jobs/${id}/stream`);
    await done.promise;
    const said = linesOf(await slow.text());
    expect(said.slice(0, -2)).toEqual(many.map((text) => `[TOKEN] ${JSON.stringify(text)}`));
    expect(said.at(-1)).toBe("[DONE]");
  });

  test("thousands of events arrive whole and in order", async () => {
    const many = Array.from({ length: 5_000 }, (_, i) => `${i} `);
    await house.start(words(...many));
    const said = (await house.read(await house.submit())).slice(1, -2);
    expect(said).toEqual(many.map((text) => `[TOKEN] ${JSON.stringify(text)}`));
  });
});

describe("restarts", () => {
  test("[LOCAL-3] a killed agent's job goes on behind what is durable, each token once", async () => {
    await house.start(stuck("a", "b"));
    const id = await house.submit();
    const seen = await until(await house.fetch(`/v1/jobs/${id}/stream`), '"b"');
    house.stop();
    let resumed: number | undefined;
    await house.start(async function* ({ resume_after_tokens }) {
      resumed = resume_after_tokens;
      yield token("c");
      return RESULT;
    });
    const position = /id: (\S+)\ndata: \[TOKEN\] "b"/.exec(seen)?.[1];
    expect(await house.read(id, `?after=${position}`)).toEqual(['[TOKEN] "c"', JSON.stringify(RESULT), "[DONE]"]);
    expect(resumed).toBe(2);
  });

  test("[LOCAL-3] after a restart of the machine it runs anew, in a term of its own", async () => {
    await house.start(stuck("a"));
    const id = await house.submit();
    await until(await house.fetch(`/v1/jobs/${id}/stream`), '"a"');
    house.stop();
    await house.start(words("b"), { boot: "boot-2" });
    expect(await house.read(id, "?format=json")).toContain(JSON.stringify({ type: "result", result: RESULT }));
    expect(await house.view(id)).toMatchObject({ state: "succeeded", dispatches: 2 });
  });

  test("[LOCAL-3] a generation that somebody saw is not begun again: it is lost", async () => {
    // `infer` reruns only unseen; the test's handlers play `model_list`, so the job is lost by its handler's word.
    await house.start(stuck("a"));
    const id = await house.submit();
    await until(await house.fetch(`/v1/jobs/${id}/stream`), '"a"');
    house.stop();
    await house.start(async function* () {
      throw new RbeeError("hive_lost", "the worker is gone");
    });
    expect((await house.read(id)).at(-2)).toContain("[ERROR] hive_lost");
    expect(await house.view(id)).toMatchObject({ state: "failed", error: { code: "hive_lost" } });
  });

  test("[LOCAL-4] what was cancelled before the restart does not run again", async () => {
    await house.start(async function* ({ signal }) {
      yield token("a");
      await aborted(signal);
      await new Promise(() => undefined);
      return RESULT;
    });
    const id = await house.submit();
    await until(await house.fetch(`/v1/jobs/${id}/stream`), '"a"');
    await house.fetch(`/v1/jobs/${id}`, { method: "DELETE" });
    house.stop();
    await house.start(words("never"));
    expect(await house.read(id)).toEqual(['[TOKEN] "a"', "[CANCELLED]", "[DONE]"]);
  });

  test("a draining agent takes nothing new, and waits for what runs", async () => {
    const go = Promise.withResolvers<void>();
    await house.start(async function* () {
      await go.promise;
      return RESULT;
    });
    const id = await house.submit();
    house.server.jobs.drain();
    expect(await (await house.post({ operation: "model_list" })).json()).toMatchObject({ code: "draining" });
    go.resolve();
    await house.server.jobs.idle();
    expect(await house.view(id)).toMatchObject({ state: "succeeded" });
  });
});

describe("who may", () => {
  test("only with the key of the 0600 file, which stays the same", async () => {
    await house.start(words());
    const { key } = house;
    expect(statSync(join(house.home, "local.json")).mode & 0o777).toBe(0o600);
    const wrong = await house.fetch("/v1/jobs", { headers: { authorization: `Bearer ${key}x` } });
    expect([wrong.status, await wrong.json()]).toMatchObject([401, { code: "unauthorized" }]);
    expect((await fetch(`${house.url}/v1/jobs`)).status).toBe(401);
    house.stop();
    await house.start(words());
    expect(house.key).toBe(key);
  });

  test.each(["evil.example", "127.0.0.1.evil.example:80", "192.168.1.9:7835"])(
    "[LOCAL-6] a request for the host %s gets nothing",
    async (host) => {
      await house.start(words());
      expect(await house.withHost(host)).toMatchObject({ status: 403, body: expect.stringContaining("forbidden") });
      expect((await house.withHost("localhost:1")).status).toBe(200);
    },
  );

  test("no page of another origin is let in, and none is told that it may", async () => {
    await house.start(words());
    const preflight = await house.fetch("/v1/jobs", { method: "OPTIONS", headers: { origin: "https://evil.example" } });
    expect(preflight.headers.get("access-control-allow-origin")).toBeNull();
    const read = await house.fetch("/v1/jobs", { headers: { origin: "https://evil.example" } });
    expect(read.headers.get("access-control-allow-origin")).toBeNull();
  });

  test("a port that is taken costs a warning and nothing else", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    await once(other, "listening");
    const { port } = other.address() as AddressInfo;
    const warnings: string[] = [];
    const log = { info: () => {}, warn: (text: string) => void warnings.push(text), error: () => {} };
    await house.start(words(), { port, log });
    expect(house.server.url).toBeUndefined();
    expect(warnings).toEqual([expect.stringContaining(`port ${port} is taken`)]);
    other.close();
  });
});

describe("what it answers", () => {
  const ask = async (body: Record<string, unknown>) => (await house.post(body)).json();

  test("the queen's views, for the one hive", async () => {
    await house.start(words());
    const lines = await house.read(await house.submit({ operation: "status" }));
    expect(JSON.parse(lines[0] ?? "")).toMatchObject({ hives: [{ hive_id: "den", connected: true }], workers: [] });
    const get = await house.read(await house.submit({ operation: "hive_get", hive_id: "den" }));
    expect(JSON.parse(get[0] ?? "")).toMatchObject({ hive: { hive_id: "den" } });
  });

  test("what only a queen can do, and what is for another hive, is refused with the way to go", async () => {
    await house.start(words());
    expect(await ask({ operation: "hive_token_create" })).toMatchObject({
      code: "unsupported",
      detail: expect.stringContaining("only a queen"),
    });
    expect(await ask({ operation: "hive_get", hive_id: "attic" })).toMatchObject({ code: "hive_not_found" });
    expect(await ask({ operation: "nothing" })).toMatchObject({ code: "unknown_operation" });
    expect(await (await house.fetch("/v1/jobs", { method: "PUT" })).json()).toMatchObject({
      ...problemOf("method_not_allowed"),
      detail: expect.any(String),
    });
    expect((await house.fetch("/nothing")).status).toBe(404);
  });
});
