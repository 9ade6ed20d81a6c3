import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { problemOf, type JobEvent } from "@rbee/contracts";
import { JobClient } from "@rbee/sdk";
import { home, Rbee, type Ended } from "../test/rbee-process.ts";
import { FakeQueen, generation, resultOf, type Play } from "../../sdk/test/fake-queen.ts";

/** The keeper as a process, against a queen that a test scripts. */

const words = ["Bees ", "make ", "honey."];

const result =
  (value: Record<string, unknown>): Play =>
  () => [{ type: "result", result: value } satisfies JobEvent];
const hive = {
  hive_id: "attic",
  connected: true,
  last_seen: Date.now(),
  enrolled_at: Date.now(),
  devices: [{ id: "cpu", kind: "cpu", name: "A CPU", memory_total_bytes: 8 * 2 ** 30, memory_free_bytes: 2 ** 30 }],
  models: [{ id: "bee-tiny", name: "bee-tiny.f16.gguf", size_bytes: 2_301_280, status: "ready", loaded: true }],
  jobs_running: 0,
  jobs_queued: 0,
};
const worker = {
  worker_id: "worker-1",
  hive_id: "attic",
  model: "bee-tiny",
  device: "cpu",
  state: "ready",
  slots: 4,
  slots_busy: 1,
};
const status = { hives: [hive], workers: [worker], queue: { queued: 0, running: 1 } };
const endless: Play = async function* (_, signal) {
  yield { type: "state", state: "dispatched", hive_id: "attic" };
  yield { type: "token", text: "Once" };
  await new Promise((resolve) => signal.addEventListener("abort", resolve));
};

let queen: FakeQueen;
const plays: Record<string, Play> = {};
beforeEach(async () => {
  for (const name of Object.keys(plays)) delete plays[name];
  Object.assign(plays, { infer: () => generation(words), status: result(status) });
  queen = await new FakeQueen(plays).start();
});
afterEach(() => queen.stop());

function start(args: readonly string[], env: Record<string, string> = {}): Rbee {
  return new Rbee(args, { RBEE_URL: queen.url, RBEE_API_KEY: queen.key, ...env });
}

async function rbee(args: readonly string[], stdin = ""): Promise<Ended> {
  const run = start(args);
  run.child.stdin.end(stdin);
  return run.ended();
}
const submitted = (operation: string): Record<string, unknown> | undefined =>
  queen.requests.find(({ body }) => body?.["operation"] === operation)?.body;

test("infer streams the text to stdout and nothing else, and takes the only model", async () => {
  const { out, err, code } = await rbee([
    "infer",
    "What do bees make?",
    "--max-tokens",
    "9",
    "--stop",
    "a",
    "--stop",
    "b",
  ]);
  expect({ out, err, code }).toEqual({ out: "Bees make honey.\n", err: "Loading bee-tiny\n", code: 0 });
  expect(submitted("infer")).toEqual({
    operation: "infer",
    prompt: "What do bees make?",
    model: "bee-tiny",
    max_tokens: 9,
    stop: ["a", "b"],
  });
});

test("tokens are shown when they come, not at the end", async () => {
  plays["infer"] = endless;
  const run = start(["infer", "-m", "bee-tiny", "Hello"]);
  await run.printed("Once");
  run.child.kill("SIGKILL");
  await run.ended();
});

test("infer takes its prompt from stdin", async () => {
  await rbee(["infer", "-m", "bee-tiny"], "from a\npipe\n");
  expect(submitted("infer")?.["prompt"]).toBe("from a\npipe");
  expect(await rbee(["infer", "-m", "bee-tiny", "-"], "")).toMatchObject({ code: 2, out: "" });
});

test("infer --json prints the result as one line, with --events every event", async () => {
  const one = await rbee(["infer", "--json", "-m", "bee-tiny", "Hello"]);
  expect(JSON.parse(one.out)).toEqual(resultOf("Bees make honey.", 3));
  const all = await rbee(["infer", "--json", "--events", "-m", "bee-tiny", "Hello"]);
  expect(
    all.out
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as unknown),
  ).toEqual(generation(words));
});

test("with several models infer says which", async () => {
  const two = { ...status, workers: [worker, { ...worker, worker_id: "worker-2", model: "owl" }] };
  plays["status"] = result(two);
  const { err, code } = await rbee(["infer", "Hello"]);
  expect({ err, code }).toEqual({
    err: "error[invalid_input]: there is more than one model: bee-tiny, owl\n  Say which with --model.\n",
    code: 2,
  });
});

test("Ctrl-C cancels the job, waits for its end and says so", async () => {
  plays["infer"] = endless;
  const run = start(["infer", "-m", "bee-tiny", "Hello"]);
  await run.printed("Once");
  run.child.kill("SIGINT");
  // npm passes the same key press on a second time.
  run.child.kill("SIGINT");
  const { method } = await queen.seen(({ method }) => method === "DELETE");
  expect(method).toBe("DELETE");
  const { out, err, code } = await run.ended();
  const id = [...queen.jobs.keys()][0];
  expect({ out, err, code }).toEqual({ out: "Once\n", err: `Cancelled ${id} on attic\n`, code: 130 });
});

test("a reader that leaves cancels the job", async () => {
  plays["infer"] = async function* (_, signal) {
    while (!signal.aborted) {
      yield { type: "token", text: "again and again ".repeat(64) };
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  const run = start(["infer", "-m", "bee-tiny", "Hello"]);
  await run.printed("again");
  run.child.stdout.destroy();
  await queen.seen(({ method }) => method === "DELETE");
  expect((await run.ended()).code).toBe(130);
});

test("a failed job is an error with its code, its hint and its exit code", async () => {
  const error = {
    type: "error",
    title: "t",
    status: 502,
    code: "worker_died",
    detail: "the engine crashed",
    hint: "Try again.",
    retryable: true,
  } as const;
  plays["infer"] = () => [{ type: "token", text: "Bees" }, error];
  expect(await rbee(["infer", "-m", "bee-tiny", "Hello"])).toEqual({
    out: "Bees\n",
    err: "error[worker_died]: the engine crashed\n  Try again.\n",
    code: 6,
  });
  expect(await rbee(["jobs", "get", "job_none"])).toMatchObject({ out: "", code: 3 });
});

test("a command line that is wrong exits 2 and says what is", async () => {
  const wrong = [["infer", "--max-token", "3"], ["staus"], ["workers", "spawn", "owl", "--slots", "x"]];
  const [flag, command, number] = await Promise.all(wrong.map((args) => rbee(args)));
  expect(flag).toMatchObject({ code: 2, err: expect.stringContaining("did you mean --max-tokens") });
  expect(command).toMatchObject({
    code: 2,
    err: expect.stringContaining('no command "staus"; did you mean `status`?'),
  });
  expect(number).toMatchObject({ code: 2, err: expect.stringContaining("is not a number") });
  expect(queen.requests).toEqual([]);
});

test("no queen there: exit 5 and how to start one", async () => {
  const { url } = queen;
  await queen.stop();
  const { err, code } = await start(["status"], { RBEE_URL: url }).ended();
  expect(code).toBe(5);
  expect(err).toContain(`error[unavailable]: no queen answers at ${url}`);
  expect(err).toContain("rbee up");
  await queen.start();
});

test("a wrong key: exit 4", async () => {
  expect(await start(["status"], { RBEE_API_KEY: "rbk_wrong" }).ended()).toMatchObject({ code: 4, out: "" });
});

test("the queen that `rbee up` left a note about is found, and its key stays with it", async () => {
  writeFileSync(join(home, "queen.json"), JSON.stringify({ queen_url: queen.url, api_key: queen.key }));
  const here = await start(["status", "--json"], { RBEE_URL: "", RBEE_API_KEY: "" }).ended();
  expect(JSON.parse(here.out)).toEqual(status);
  const other = await new FakeQueen(plays).start();
  expect((await start(["status"], { RBEE_URL: other.url, RBEE_API_KEY: "" }).ended()).code).toBe(4);
  expect(other.requests[0]?.headers.authorization).toBeUndefined();
  await other.stop();
});

test("status shows hives, workers and the queue", async () => {
  const { out, code } = await rbee(["status"]);
  expect(code).toBe(0);
  expect(out).toMatch(
    /^hive +state +devices +memory free +models +jobs\nattic +connected +A CPU +1\.0 GiB of 8\.0 GiB +bee-tiny/,
  );
  expect(out).toMatch(/\nworker-1 +attic +bee-tiny +cpu +ready +1 of 4 busy\n/);
});

test("run reaches every operation, with flags from its row", async () => {
  plays["worker_spawn"] = result({ worker_id: "worker-2", port: 9_100, pid: 42, status: "ready" });
  const { out, code } = await rbee([
    "run",
    "worker_spawn",
    "--model",
    "owl",
    "--device",
    "0",
    "--slots",
    "2",
    "--json",
  ]);
  expect({ code, out: JSON.parse(out) as unknown }).toEqual({
    code: 0,
    out: { worker_id: "worker-2", port: 9_100, pid: 42, status: "ready" },
  });
  expect(submitted("worker_spawn")).toEqual({ operation: "worker_spawn", model: "owl", device: 0, slots: 2 });
});

test("jobs are listed, shown, read, cancelled and retried", async () => {
  await rbee(["infer", "-m", "bee-tiny", "Hello"]);
  const id = [...queen.jobs.keys()][0] ?? "";
  const commands = [
    ["list"],
    ["get", id],
    ["stream", id],
    ["stream", id, "--json", "--after", "1.4"],
    ["cancel", id],
    ["retry", id],
  ];
  const [list, get, stream, json, cancel, retry] = await Promise.all(commands.map((args) => rbee(["jobs", ...args])));
  expect(list?.out).toContain(id);
  expect(get?.out).toContain("succeeded");
  expect(stream?.out).toBe("Bees make honey.\n");
  expect(json?.out.split("\n")[0]).toContain('"position":"1.5"');
  expect(cancel?.out).toBe(`${id} is succeeded\n`);
  expect(retry?.out.trim()).toBe([...queen.jobs.keys()][1]);
});

test("the exit code of jobs stream is its job's, for a program too; Ctrl-C stops only the reading", async () => {
  const { url, key } = queen;
  const client = new JobClient({ url, key });
  plays["status"] = () => [{ ...problemOf("worker_died", "the engine crashed"), type: "error" }];
  plays["infer"] = endless;
  const failed = await client.submit("status", {});
  const open = await client.submit("infer", { model: "bee-tiny", prompt: "Hello" });
  for (const flags of [[], ["--json"], ["--after", "1.1"]]) {
    const { code, err } = await rbee(["jobs", "stream", failed.job_id, ...flags]);
    expect({ code, err }).toEqual({ code: 6, err: expect.stringContaining("the engine crashed") as string });
  }
  const reading = start(["jobs", "stream", open.job_id, "--json"]);
  await reading.printed("Once");
  reading.child.kill("SIGINT");
  expect(await reading.ended()).toMatchObject({ code: 130, err: "Stopped reading; the job goes on.\n" });
  expect(await client.cancel(open.job_id)).toMatchObject({ status: "cancelling" });
  expect(await rbee(["jobs", "stream", open.job_id, "--json"])).toMatchObject({ code: 130 });
});

test("chat sends what was said before along", async () => {
  const { out, code } = await rbee(["chat", "--system", "Be kind."], "Hello\n\nAnd now?\n/exit\nnot this\n");
  expect({ out, code }).toEqual({ out: "Bees make honey.\nBees make honey.\n", code: 0 });
  const turns = queen.requests.filter(({ body }) => body?.["operation"] === "infer");
  expect(turns.map(({ body }) => body?.["messages"])).toEqual([
    [
      { role: "system", content: "Be kind." },
      { role: "user", content: "Hello" },
    ],
    [
      { role: "system", content: "Be kind." },
      { role: "user", content: "Hello" },
      { role: "assistant", content: "Bees make honey." },
      { role: "user", content: "And now?" },
    ],
  ]);
});

test("completion proposes commands and flags", async () => {
  const proposals = [rbee(["complete", "--", "wor"]), rbee(["complete", "--", "infer", "--max"])];
  const [command, flag] = await Promise.all(proposals);
  expect(command?.out).toContain("workers\t");
  expect(flag?.out).toContain("--max-tokens\t");
  const scripts = await Promise.all(["bash", "zsh", "fish"].map((shell) => rbee(["completion", shell])));
  for (const { out, code } of scripts)
    expect({ code, asks: out.includes("complete --") }).toEqual({ code: 0, asks: true });
});
