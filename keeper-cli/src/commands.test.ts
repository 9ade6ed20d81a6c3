import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { operations, type JobEvent } from "@rbee/contracts";
import { home, Rbee, type Ended } from "../test/rbee-process.ts";
import { FakeQueen, type Play } from "../../sdk/test/fake-queen.ts";

/** What each command asks the queen for, and how her answer reads. */

const GIB = 2 ** 30;
const started = { worker_id: "worker-attic-9100", port: 9_100, pid: 42, status: "ready" };
const installed = { worker_type: "cpu-llm-worker", version: "3.0.0", path: "/engines/cpu", size_bytes: 2 * GIB };
const device = { id: "cuda:0", kind: "cuda", name: "A GPU", memory_total_bytes: 8 * GIB, memory_free_bytes: GIB };
const found = {
  id: "org/model",
  quants: ["Q4_K_M", "Q8_0"],
  sizes: { Q4_K_M: 2 * GIB },
  downloads: 12_345,
  licence: "mit",
  gated: true,
  fits: ["attic"],
};
const active = {
  worker_id: "worker-attic-9100",
  hive_id: "attic",
  model: "owl",
  device: "cuda:0",
  state: "draining",
  slots: 4,
  slots_busy: 1,
  retired: "stop",
  tokens_per_s: 41.6,
  since: Date.now(),
};
const info = { kind: "llama", model: "owl", device: "cuda:0", state: "ready", slots: 1, context: 512 };
const running = { ...started, ...info, rss: GIB, cpu_pct: 12.4, vram_mb: 512 };
const details = { id: "owl", name: "owl.gguf", size_bytes: GIB, status: "partial", loaded: false, percent: 43.7 };
const memory = [{ device: "cuda:0", context: 4_096, bytes: 2 * GIB, fits: true }];
const offer = { worker_type: "cuda-llm-worker", version: "3.0.0", method: "download", installed: false };

interface Case {
  readonly args: string;
  readonly asks: keyof typeof operations;
  readonly input?: Record<string, unknown>;
  readonly answer: Record<string, unknown>;
  readonly reads: RegExp;
}

const message = { message: "done so" };
const cases: readonly Case[] = [
  {
    args: "models search owl --limit 3",
    asks: "model_search",
    input: { query: "owl", limit: 3 },
    answer: { models: [found] },
    reads: /org\/model +Q4_K_M 2\.0 GiB, Q8_0 +12\.3K +mit \(asks for consent\) +attic\n.*models pull org\/model/,
  },
  {
    args: "models pull org/model:Q8_0 --hive attic --revision main",
    asks: "model_download",
    input: { model: "org/model:Q8_0", hive_id: "attic", revision: "main" },
    answer: { model_id: "org/model:Q8_0", status: "ready", path: "/m.gguf", size_bytes: GIB, already_there: true },
    reads: /^org\/model:Q8_0 is there already: 1\.0 GiB, \/m\.gguf\n$/,
  },
  {
    args: "models list --hive attic",
    asks: "model_list",
    input: { hive_id: "attic" },
    answer: { models: [details], stale: true },
    reads: /owl +1\.0 GiB +partial, 43 %\n.*last said/,
  },
  {
    args: "models get owl",
    asks: "model_get",
    input: { id: "owl" },
    answer: { model: { ...details, memory } },
    reads: /memory +cuda:0: 2\.0 GiB with 4096 tokens of context, fits/,
  },
  {
    args: "models rm owl --force",
    asks: "model_delete",
    input: { id: "owl", force: true },
    answer: { ...message, freed_bytes: GIB },
    reads: /^done so \(1\.0 GiB freed\)\n$/,
  },
  {
    args: "models load owl --device cuda:0 --slots 2 --context 1024",
    asks: "model_load",
    input: { id: "owl", device: "cuda:0", slots: 2, context: 1_024 },
    answer: started,
    reads: /^worker-attic-9100 is ready: pid 42, port 9100\n$/,
  },
  { args: "models unload owl", asks: "model_unload", input: { id: "owl" }, answer: message, reads: /^done so\n$/ },
  {
    args: "models run org/model",
    asks: "model_run",
    input: { model: "org/model" },
    answer: { ...started, hive_id: "attic", device: "cuda:0" },
    reads: /^worker-attic-9100 is ready on cuda:0 of attic: pid 42, port 9100\n$/,
  },
  {
    args: "workers catalog attic",
    asks: "worker_catalog_list",
    input: { hive_id: "attic" },
    answer: { workers: [{ ...offer, installable: false, reason: "no such board" }] },
    reads: /cuda-llm-worker +3\.0\.0 +no +no such board/,
  },
  {
    args: "workers install cpu-llm-worker --hive attic",
    asks: "worker_download",
    input: { worker_type: "cpu-llm-worker", hive_id: "attic" },
    answer: installed,
    reads: /^cpu-llm-worker 3\.0\.0 is installed: 2\.0 GiB, \/engines\/cpu\n$/,
  },
  {
    args: "workers build llama-server --backend cuda --jobs 8",
    asks: "worker_build",
    input: { worker_type: "llama-server", options: { backend: "cuda", jobs: 8 } },
    answer: installed,
    reads: /is installed/,
  },
  {
    args: "workers installed attic",
    asks: "worker_binary_list",
    input: { hive_id: "attic" },
    answer: { workers: [{ ...installed, id: "x", bundled: true, in_use_by: ["worker-attic-9100"] }] },
    reads: /cpu-llm-worker +3\.0\.0 +2\.0 GiB +came with the agent +used by worker-attic-9100/,
  },
  {
    args: "workers uninstall cpu-llm-worker",
    asks: "worker_binary_delete",
    input: { worker_type: "cpu-llm-worker" },
    answer: message,
    reads: /^done so\n$/,
  },
  {
    args: "workers list",
    asks: "active_worker_list",
    answer: { workers: [active] },
    reads: /worker-attic-9100 +attic +owl +cuda:0 +draining \(retired\) +1 of 4 busy +42 tokens\/s/,
  },
  {
    args: "workers get worker-attic-9100",
    asks: "active_worker_get",
    input: { worker_id: "worker-attic-9100" },
    answer: { worker: active },
    reads: /speed +42 tokens\/s lately\nsince +\S+ \S+ ago/,
  },
  {
    args: "workers ps attic",
    asks: "worker_process_list",
    input: { hive_id: "attic" },
    answer: { workers: [{ ...running, problem: "killed by signal 9" }] },
    reads: /42 +worker-attic-9100 +owl +cuda:0 +ready +9100 +1\.0 GiB +12 % +512 MiB\n.*killed by signal 9/,
  },
  {
    args: "workers spawn owl --worker openai --server http://127.0.0.1:11434/v1",
    asks: "worker_spawn",
    input: { model: "owl", worker: "openai", url: "http://127.0.0.1:11434/v1" },
    answer: started,
    reads: /^worker-attic-9100 is ready/,
  },
  {
    args: "workers stop 42 --hive attic --drain-ms 0",
    asks: "worker_process_delete",
    input: { pid: 42, hive_id: "attic", drain_ms: 0 },
    answer: { ...message, pid: 42 },
    reads: /^done so\n$/,
  },
  {
    args: "workers retire worker-attic-9100 --keep",
    asks: "active_worker_retire",
    input: { worker_id: "worker-attic-9100", keep: true },
    answer: message,
    reads: /^done so\n$/,
  },
  {
    args: "hives refresh attic",
    asks: "hive_refresh_capabilities",
    input: { hive_id: "attic" },
    answer: { success: true, device_count: 1, devices: [{ ...device, driver: "550.1", compute_capability: "9.0" }] },
    reads: /cuda:0 +A GPU +1\.0 GiB of 8\.0 GiB +550\.1 +9\.0/,
  },
];

let queen: FakeQueen;
const plays: Record<string, Play> = {};
beforeEach(async () => {
  for (const name of Object.keys(plays)) delete plays[name];
  queen = await new FakeQueen(plays).start();
});
afterEach(() => queen.stop());

const result =
  (value: Record<string, unknown>): Play =>
  () => [{ type: "result", result: value } satisfies JobEvent];

async function rbee(args: readonly string[], env: Record<string, string> = {}): Promise<Ended> {
  const run = new Rbee(args, { RBEE_URL: queen.url, RBEE_API_KEY: queen.key, ...env });
  run.child.stdin.end();
  return run.ended();
}
const submitted = (operation: string): Record<string, unknown> | undefined =>
  queen.requests.find(({ body }) => body?.["operation"] === operation)?.body;

test.each(cases)("$args", async ({ args, asks, input = {}, answer, reads }) => {
  // What the test has the queen say is what a queen may say.
  operations[asks].result.parse(answer);
  plays[asks] = result(answer);
  const [words, json] = await Promise.all([rbee(args.split(" ")), rbee([...args.split(" "), "--json"])]);
  expect({ code: words.code, out: words.out }).toEqual({ code: 0, out: expect.stringMatching(reads) as string });
  expect(submitted(asks)).toEqual({ operation: asks, ...input });
  expect(JSON.parse(json.out)).toEqual(answer);
});

describe("which hive is meant", () => {
  test("a worker's name tells its hive", async () => {
    plays["active_worker_get"] = result({ worker: active });
    plays["worker_process_delete"] = result({ message: "done so", pid: 42 });
    expect(await rbee(["workers", "stop", "worker-attic-9100"])).toMatchObject({ code: 0, out: "done so\n" });
    expect(submitted("worker_process_delete")).toMatchObject({ worker_id: "worker-attic-9100", hive_id: "attic" });
  });

  test("--hive counts where the hive may also be given by place, which goes first", async () => {
    plays["worker_process_list"] = result({ workers: [] });
    for (const args of [["--hive", "attic"], ["attic"], ["attic", "--hive", "den"]]) {
      expect(await rbee(["workers", "ps", ...args])).toMatchObject({ code: 0 });
      expect(submitted("worker_process_list")).toMatchObject({ hive_id: "attic" });
    }
  });

  test("--hive local goes to this machine's own server, wherever it is said", async () => {
    plays["model_list"] = result({ models: [] });
    mkdirSync(join(home, "hive"), { recursive: true });
    writeFileSync(join(home, "hive", "local.json"), JSON.stringify({ url: queen.url, key: queen.key }));
    // The queen of the environment is not asked.
    const env = { RBEE_URL: "http://127.0.0.1:9", RBEE_API_KEY: "rbk_other" };
    const spellings = [
      ["--hive", "local", "models", "list"],
      ["--hive=local", "models", "list"],
      ["models", "list", "--hive", "local"],
    ];
    for (const args of spellings) expect(await rbee(args, env)).toMatchObject({ code: 0 });
    expect(await rbee(["models", "list"], { ...env, RBEE_HIVE: "local" })).toMatchObject({ code: 0 });
    expect(submitted("model_list")).toEqual({ operation: "model_list" });
    writeFileSync(join(home, "hive", "local.json"), JSON.stringify({ key: queen.key }));
    const gone = await rbee(["--hive", "local", "models", "list"], { ...env, HOME: home });
    expect(gone).toMatchObject({ code: 5, err: expect.stringContaining("no hive of this machine") as string });
  });

  test("a hive that would mean nothing is refused", async () => {
    expect(await rbee(["workers", "list", "--hive", "attic"])).toMatchObject({ code: 2, out: "" });
    expect(queen.requests).toEqual([]);
  });
});

test("a self-test reads line by line, and its exit code is for scripts", async () => {
  const checks = [
    { name: "disk", ok: true, detail: "room enough" },
    { name: "devices", ok: false, detail: "none" },
  ];
  plays["hive_check"] = result({ checks });
  plays["queen_check"] = result({ checks: checks.slice(0, 1) });
  const bad = await rbee(["hives", "check", "attic"]);
  expect(bad).toMatchObject({ code: 5, out: "✓ disk     room enough\n✗ devices  none\n" });
  expect(bad.err).toContain("error[unavailable]: not all is well: devices");
  expect(await rbee(["check"])).toMatchObject({ code: 0, out: "✓ disk  room enough\n", err: "" });
});

test("a token comes with what to type on the new machine", async () => {
  plays["hive_token_create"] = result({ token: "rbj_x", expires_at: Date.now() + 60_000 });
  const { out } = await rbee(["hives", "token"]);
  expect(out).toContain(`RBEE_JOIN_TOKEN=rbj_x npm run hive -- --queen-url ${queen.url} --models ~/models`);
  expect(out).toContain("can be reached from this machine only");
});

test("every line of a build is kept; the words of other work are not repeated", async () => {
  const say = (human: string): JobEvent => ({ type: "narration", actor: "hive", action: "x", level: "info", human });
  plays["worker_build"] = () => [say("cc a.c"), say("cc a.c"), { type: "result", result: installed }];
  const { err } = await rbee(["workers", "build", "llama-server"]);
  expect(err).toBe("cc a.c\ncc a.c\n");
});

test("completion knows the new commands", async () => {
  const words = [
    ["models", "pu"],
    ["workers", "ret"],
    ["hives", "ref"],
  ];
  const proposals = await Promise.all(words.map((typed) => rbee(["complete", "--", ...typed])));
  for (const [i, word] of ["pull", "retire", "refresh"].entries()) expect(proposals[i]?.out).toContain(`${word}\t`);
});
