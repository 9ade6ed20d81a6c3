import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { operationNames, operations, problemOf, type JobEvent } from "@rbee/contracts";
import { cases, installed, active } from "../test/command-cases.ts";
import { home, Rbee, type Ended } from "../test/rbee-process.ts";
import { FakeQueen, type Play } from "../../sdk/test/fake-queen.ts";

/** What each command asks the queen for, and how her answer reads. */

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

test("every operation has a command", () => {
  const tried = new Set<string>(cases.map(({ asks }) => asks));
  // These have tests of their own, here and in cli.test.ts.
  const elsewhere = ["status", "infer", "hive_check", "queen_check", "hive_token_create"];
  expect(operationNames.filter((name) => !tried.has(name) && !elsewhere.includes(name))).toEqual([]);
});

test("the queen's words about a field name the flag, and say it once", async () => {
  const refusal = problemOf("invalid_input", "expires_in: Too small: expected number to be >=1; label: not a hive");
  plays["hive_token_create"] = () => [{ ...refusal, type: "error" } satisfies JobEvent];
  const { code, err } = await rbee(["hives", "token", "--expires-in", "0"]);
  expect({ code, err }).toMatchObject({ code: 2, err: expect.stringContaining("--expires-in: Too small") as string });
  expect(err).toContain("; --label: not a hive");
});

test("--quiet says nothing but the result", async () => {
  const say: JobEvent = { type: "narration", actor: "hive", action: "x", level: "info", human: "Loading" };
  plays["model_load"] = () => [
    say,
    { type: "result", result: { worker_id: "worker-a-1", port: 1, pid: 1, status: "ready" } },
  ];
  expect((await rbee(["models", "load", "owl"])).err).toContain("Loading");
  expect(await rbee(["models", "load", "owl", "--quiet"])).toMatchObject({ code: 0, err: "" });
  const link = ["links", "open", "rbee://install/model?id=org/owl"];
  expect((await rbee(link, { BROWSER: "true" })).err).toMatch(/^Opened http/);
  expect(await rbee([...link, "--quiet"], { BROWSER: "true" })).toEqual({ code: 0, out: "", err: "" });
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
  const install_command = "RBEE_JOIN_TOKEN=rbj_x npm run hive";
  plays["hive_token_create"] = result({ token: "rbj_x", expires_at: Date.now() + 60_000, install_command });
  const { out } = await rbee(["hives", "token"]);
  expect(out).toContain(install_command);
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
