import { build } from "esbuild";
import { gzipSync } from "node:zlib";
import { fileURLToPath } from "node:url";
import { afterEach, expect, test, vi } from "vitest";
import type { JobEvent } from "@rbee/contracts";
import { FakeQueen, generation, resultOf, type Play } from "../test/fake-queen.ts";
import { JobClient, RbeeError, type PositionedEvent } from "./index.ts";

const words = ["Hélène ", "🐝", "¡olé! ", "蜂蜜"];
let queen: FakeQueen;
afterEach(() => queen.stop());

async function clientOf(plays: Record<string, Play>): Promise<JobClient> {
  queen = await new FakeQueen(plays).start();
  return new JobClient({ url: queen.url, key: queen.key });
}
const infer = { model: "bee-tiny", prompt: "Hello" };
const untilAborted: Play = async function* (_, signal) {
  yield { type: "token", text: "first" };
  await new Promise((resolve) => signal.addEventListener("abort", resolve));
};
const eventsOf = async (stream: AsyncIterable<PositionedEvent>): Promise<JobEvent[]> => {
  const events: JobEvent[] = [];
  for await (const { event } of stream) events.push(event);
  return events;
};

test("run streams every event and returns the result, in one round trip", async () => {
  const client = await clientOf({ infer: () => generation(words) });
  const events: JobEvent[] = [];
  const result = await client.run("infer", infer, { onEvent: (event) => events.push(event) });
  expect(result.text).toBe(words.join(""));
  expect(events).toEqual(generation(words));
  expect(queen.requests).toHaveLength(1);
  expect(queen.requests[0]?.body).toEqual({ operation: "infer", ...infer });
});

test("characters split over chunks arrive whole", async () => {
  const client = await clientOf({ infer: () => generation(words) });
  queen.faults.chunkBytes = 1;
  expect((await client.run("infer", infer)).text).toBe(words.join(""));
});

test("a connection cut at any byte loses nothing and doubles nothing", async () => {
  const short: JobEvent[] = [
    { type: "token", text: "é" },
    { type: "token", text: "🐝" },
    { type: "result", result: { text: "é🐝" } },
  ];
  const client = await clientOf({ infer: () => short });
  const { id } = await client.start("infer", infer);
  const whole = await (
    await fetch(`${queen.url}/v1/jobs/${id}/stream?format=json`, { headers: { authorization: `Bearer ${queen.key}` } })
  ).bytes();
  for (let cut = 1; cut <= whole.length; cut++) {
    // The second connection is cut as well, a little later: progress must survive repeated drops.
    queen.faults.cutAfterBytes = [cut, 60];
    expect(await eventsOf(client.stream(id))).toEqual(short);
  }
});

test("run survives a cut of its own answer", async () => {
  const client = await clientOf({ infer: () => generation(words) });
  queen.faults.cutAfterBytes = [150, 150];
  const events: JobEvent[] = [];
  await client.run("infer", infer, { onEvent: (event) => events.push(event) });
  expect(events).toEqual(generation(words));
  expect(queen.requests.map(({ method }) => method)).toEqual(["POST", "GET", "GET"]);
});

test("a connection that falls silent is replaced; what is told without an id moves no place", async () => {
  await clientOf({});
  vi.useFakeTimers();
  const sse = (body: ReadableStream | string): Response =>
    new Response(body, { headers: { "content-type": "text/event-stream" } });
  const silent = new ReadableStream({
    start: (to) => to.enqueue(new TextEncoder().encode('id: 1.1\ndata: {"type":"token","text":"a"}\n\n')),
  });
  const paths: string[] = [];
  const away = '{"type":"narration","actor":"queen","action":"hive_away","level":"warn","human":"den is away"}';
  const answers = [sse(silent), sse(`data: ${away}\n\nid: 1.2\ndata: {"type":"token","text":"b"}\n\ndata: [DONE]\n\n`)];
  const fake: typeof fetch = async (input) => {
    paths.push(new URL(new Request(input).url).search);
    return answers.shift() ?? Response.error();
  };
  try {
    const events = eventsOf(new JobClient({ url: queen.url, fetch: fake }).stream("job_a"));
    await vi.advanceTimersByTimeAsync(60_000);
    expect(await events).toMatchObject([{ text: "a" }, { action: "hive_away" }, { text: "b" }]);
    expect(paths).toEqual(["?format=json", "?format=json&after=1.1"]);
  } finally {
    vi.useRealTimers();
  }
});

test("a queen who is away for long is given up, unless the reader does not", async () => {
  const client = await clientOf({ infer: () => generation(words) });
  const { job_id } = await client.submit("infer", infer);
  const away = () => Array.from({ length: 20 }, () => ({ status: 503, headers: { "retry-after": "0" } }));
  queen.faults.refusals = away();
  await expect(eventsOf(client.stream(job_id))).rejects.toMatchObject({ code: "unavailable" });
  queen.faults.refusals = away();
  expect(await eventsOf(client.stream(job_id, { giveUp: false }))).toEqual(generation(words));
});

test("a stream whose end is to cancel the job says so wherever it is opened", async () => {
  const client = await clientOf({ infer: () => generation(words) });
  queen.faults.cutAfterBytes = [150];
  await client.run("infer", infer, { onDisconnect: "cancel" });
  await client.submitAndStream({ operation: "infer", ...infer }, { onLine: () => undefined, onDisconnect: "detach" });
  expect(queen.requests.map(({ method, path }) => `${method} ${path.replace(/job_\w+/, "job")}`)).toEqual([
    "POST /v1/jobs?format=json&on_disconnect=cancel",
    expect.stringMatching(/^GET \/v1\/jobs\/job\/stream\?format=json&on_disconnect=cancel&after=/),
    "POST /v1/jobs?format=text&on_disconnect=detach",
  ]);
});

test("reading goes on behind a position", async () => {
  const client = await clientOf({ infer: () => generation(words) });
  const { job_id } = await client.submit("infer", infer);
  expect(await eventsOf(client.stream(job_id, { after: "1.5" }))).toEqual(generation(words).slice(5));
  expect(await eventsOf(client.stream(job_id, { after: "1.7" }))).toEqual([]);
});

test("a lost answer to the submission does not make a second job", async () => {
  const client = await clientOf({ infer: () => generation(words) });
  queen.faults.loseAnswers = 2;
  expect((await client.run("infer", infer)).text).toBe(words.join(""));
  expect(queen.jobs.size).toBe(1);
  expect(new Set(queen.requests.map(({ headers }) => headers["idempotency-key"])).size).toBe(1);
});

test("two submissions are two jobs, unless they carry one key", async () => {
  const client = await clientOf({ infer: () => generation(words) });
  await client.submit("infer", infer);
  await client.submit("infer", infer);
  expect(queen.jobs.size).toBe(2);
  const one = await client.submit("infer", infer, { idempotencyKey: "k" });
  expect(await client.submit("infer", infer, { idempotencyKey: "k" })).toEqual(one);
});

test("a job is asked for once more, and a lost answer does not make a third", async () => {
  const client = await clientOf({ infer: () => generation(words) });
  const { job_id } = await client.submit("infer", infer);
  queen.faults.loseAnswers = 1;
  const again = await client.retry(job_id);
  expect([...queen.jobs.keys()]).toEqual([job_id, again.job_id]);
  expect((await client.get(again.job_id)).operation).toBe("infer");
});

test("a busy queen is asked again, as it says", async () => {
  const client = await clientOf({ infer: () => generation(words) });
  queen.faults.refusals = [{ status: 503, code: "unavailable", headers: { "retry-after": "0" } }, { status: 429 }];
  expect((await client.run("infer", infer)).text).toBe(words.join(""));
});

test("a queen that asks for too long a wait is not waited for", async () => {
  const client = await clientOf({});
  queen.faults.refusals = [{ status: 429, code: "queue_full", headers: { "retry-after": "3600" } }];
  await expect(client.submit("infer", infer)).rejects.toMatchObject({ code: "queue_full", retryAfterMs: 3_600_000 });
  expect(queen.requests).toHaveLength(1);
});

test("a refusal is an RbeeError with the queen's words, and is not repeated", async () => {
  const client = await clientOf({});
  await expect(client.run("infer", infer)).rejects.toMatchObject({
    name: "RbeeError",
    code: "unknown_operation",
    status: 400,
  });
  const stranger = new JobClient({ url: queen.url, key: "rbk_wrong" });
  await expect(stranger.run("infer", infer)).rejects.toMatchObject({ code: "unauthorized", retryable: false });
  await expect(client.get("job_gone")).rejects.toMatchObject({ code: "job_not_found" });
  expect(queen.requests).toHaveLength(3);
});

test("what a proxy says becomes an error with a code as well", async () => {
  const client = await clientOf({});
  queen.faults.refusals = [{ status: 404 }];
  await expect(client.get("job_x")).rejects.toMatchObject({ code: "not_found" });
  queen.faults.refusals = [{ status: 418, body: JSON.stringify({ code: "teapot", detail: "short and stout" }) }];
  await expect(client.get("job_x")).rejects.toMatchObject({ code: "teapot", message: "short and stout", hint: "" });
});

test("no queen at the address", async () => {
  const client = await clientOf({});
  await queen.stop();
  const failure = await client.submit("status", {}).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(RbeeError);
  expect(failure).toMatchObject({ code: "unavailable", message: `no queen answers at ${queen.url}`, retryable: true });
  await queen.start();
});

test("a failed job throws its error", async () => {
  const error = {
    type: "error",
    title: "t",
    status: 502,
    code: "worker_died",
    detail: "it died",
    hint: "h",
    retryable: true,
  } as const;
  const client = await clientOf({ infer: () => [error] });
  await expect(client.run("infer", infer)).rejects.toMatchObject({
    code: "worker_died",
    message: "it died",
    hint: "h",
  });
});

test("aborting detaches, and the job goes on", async () => {
  const client = await clientOf({ infer: untilAborted });
  const stop = new AbortController();
  const run = client.run("infer", infer, { signal: stop.signal, onEvent: () => stop.abort(new Error("enough")) });
  await expect(run).rejects.toThrow("enough");
  expect(queen.requests.map(({ method }) => method)).toEqual(["POST"]);
});

test("cancelOnAbort cancels the job and waits for its end", async () => {
  const client = await clientOf({ infer: untilAborted });
  const stop = new AbortController();
  const run = client.run("infer", infer, { signal: stop.signal, cancelOnAbort: true, onEvent: () => stop.abort() });
  await expect(run).rejects.toMatchObject({ name: "RbeeError", code: "cancelled" });
  expect(queen.requests.map(({ method }) => method)).toEqual(["POST", "DELETE"]);
  const last = [...queen.jobs.values()][0]?.log.at(-1);
  expect(last?.event).toEqual({ type: "state", state: "cancelled" });
});

test("a handle reads, cancels and gives the outcome", async () => {
  const client = await clientOf({ infer: untilAborted, status: () => generation(words) });
  const endless = await client.start("infer", infer);
  for await (const { event } of endless.events()) {
    if (event.type !== "token") continue;
    expect(await endless.cancel()).toEqual({ job_id: endless.id, status: "cancelling" });
  }
  await expect(endless.result()).rejects.toMatchObject({ code: "cancelled" });
  const short = await client.start("status", {});
  expect(await short.result()).toEqual(resultOf(words.join(""), words.length));
  expect(await eventsOf(short.events())).toEqual(generation(words));
});

test("submitAndStream calls back with every line, to [DONE]", async () => {
  const client = await clientOf({ infer: () => generation(["a", "b"]) });
  queen.faults.cutAfterBytes = [100, 100];
  const lines: string[] = [];
  const id = await client.submitAndStream({ operation: "infer", ...infer }, (line) => lines.push(line));
  expect(id).toBe([...queen.jobs.keys()][0]);
  expect(lines).toEqual([
    "[INFO] Given to localhost",
    "[INFO] Loading bee-tiny",
    '[TOKEN] "a"',
    '[TOKEN] "b"',
    JSON.stringify(resultOf("ab", 2)),
    "[DONE]",
  ]);
});

test("jobs are listed and shown", async () => {
  const client = await clientOf({ infer: () => generation(words) });
  const { job_id } = await client.submit("infer", infer);
  await eventsOf(client.stream(job_id));
  expect(await client.get(job_id)).toMatchObject({ job_id, state: "succeeded" });
  expect((await client.list({ limit: 5 })).map((line) => line.job_id)).toEqual([job_id]);
});

test("a queen under a path, and no key", async () => {
  const seen: string[] = [];
  const fake: typeof fetch = async (input, init) => {
    seen.push(`${new Request(input).url} ${new Headers(init?.headers).get("authorization")}`);
    return Response.json({ jobs: [] });
  };
  await clientOf({});
  await new JobClient({ url: "https://example.com/rbee", fetch: fake }).list();
  expect(seen).toEqual(["https://example.com/rbee/v1/jobs null"]);
});

test("the package is small and needs nothing but the web", async () => {
  await clientOf({});
  const entry = fileURLToPath(new URL("./index.ts", import.meta.url));
  const { outputFiles } = await build({
    entryPoints: [entry],
    bundle: true,
    minify: true,
    write: false,
    format: "esm",
    platform: "browser",
  });
  const code = outputFiles[0]?.contents ?? new Uint8Array();
  expect(gzipSync(code).length).toBeLessThanOrEqual(15_000);
  expect(new TextDecoder().decode(code)).not.toMatch(/node:|require\(|process\./);
});
