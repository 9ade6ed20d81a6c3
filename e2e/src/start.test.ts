import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import { commandOf, descendants, isAlive, Program } from "./process.ts";

/** What a stranger types, run as they would run it. */

const root = fileURLToPath(new URL("../../", import.meta.url));
const RUN = join(root, "tools/run.mjs");
const KEEPER = "keeper-cli/src/main.ts";
/** Who is told to stop takes all with it; a worker that merely lost its agent ends by itself after half a minute. */
const STOPPED_WITHIN_MS = 25_000;
const ORPHANED_WITHIN_MS = 60_000;
const home = mkdtempSync(join(tmpdir(), "rbee-e2e-start-"));
afterAll(() => rmSync(home, { recursive: true, force: true }));

async function rbee(
  args: readonly string[],
  env: Record<string, string> = {},
  input = "",
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, [RUN, KEEPER, ...args], {
    cwd: root,
    env: { ...process.env, RBEE_HOME: home, ...env },
  });
  child.stdin.end(input);
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, "exit") as Promise<[number | null]>,
  ]);
  return { code, stdout, stderr };
}

const up = (args: readonly string[] = []): Program =>
  new Program(RUN, [KEEPER, "up", "--home", home, "--port", "0", "--json", ...args]);

const gone = (pids: readonly number[], timeout: number): Promise<void> =>
  expect.poll(() => pids.filter(isAlive), { timeout }).toEqual([]);

test("`npm start -- --once`: a first answer from a real model, then everything is gone", async () => {
  const { code, stdout } = await rbee(["up", "--once", "--json", "--home", home, "--port", "0"]);
  const [ready, answer] = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(code).toBe(0);
  expect(ready).toMatchObject({ event: "ready", hive_id: "localhost", model: "bee-tiny" });
  expect(ready).toMatchObject({
    queen_url: expect.stringMatching(/^http/) as string,
    api_key: expect.stringMatching(/^rbk_/) as string,
  });
  expect(String(answer?.["text"]).length).toBeGreaterThan(50);
});

describe("`npm start`, and the keeper beside it", () => {
  test("infer, chat, status, jobs, models, workers; Ctrl-C leaves no process behind", async () => {
    const house = up();
    await house.said("ready");
    const pids = descendants(house.pid);
    const answer = await rbee(["infer", "--temperature", "0", "What do bees eat?"]);
    expect(answer).toMatchObject({ code: 0, stdout: expect.stringContaining("nectar and pollen") as string });
    const piped = await rbee(["infer", "--json"], {}, "Who are you?");
    expect(JSON.parse(piped.stdout)).toMatchObject({ text: expect.any(String) as string, finish_reason: "stop" });
    const chat = await rbee(["chat"], {}, "Hello!\nWho are you?\n");
    expect(chat.stdout.length).toBeGreaterThan(40);
    for (const [noun, verb, expected] of [
      ["jobs", "list", "infer"],
      ["models", "list", "bee-tiny"],
      ["workers", "list", "bee-tiny"],
      ["hives", "list", "localhost"],
    ] as const) {
      expect(await rbee([noun, verb])).toMatchObject({ code: 0, stdout: expect.stringContaining(expected) as string });
    }
    const status = await rbee(["status", "--json"]);
    expect(JSON.parse(status.stdout)).toMatchObject({ hives: [{ hive_id: "localhost", connected: true }] });
    const wrong = await rbee(["infer", "--model", "no-such-model", "x"]);
    expect(wrong).toMatchObject({ code: 3, stdout: "", stderr: expect.stringContaining("model_not_found") as string });
    await house.kill("SIGINT");
    await gone(pids, STOPPED_WITHIN_MS);
  });

  test("with no queen there is an error that says what to do", async () => {
    const { code, stderr } = await rbee(["status"], { RBEE_URL: "http://127.0.0.1:9", RBEE_API_KEY: "rbk_x" });
    expect(code).toBe(5);
    expect(stderr).toMatch(/rbee up|npm start/);
  });

  test("a child that is killed comes back, and the same key and port are good", async () => {
    const house = up();
    const { queen_url, api_key } = await house.said("ready");
    const env = { RBEE_URL: String(queen_url), RBEE_API_KEY: String(api_key) };
    const engine = descendants(house.pid).find((pid) => commandOf(pid).includes("workerd serve"));
    process.kill(engine ?? 0, "SIGKILL");
    await expect.poll(async () => (await rbee(["status"], env)).code, { timeout: 60_000 }).toBe(0);
    expect((await rbee(["infer", "Hello!"], env)).code).toBe(0);
    const pids = descendants(house.pid);
    await house.kill("SIGTERM");
    await gone(pids, STOPPED_WITHIN_MS);
  });

  test("killed itself, it takes everything with it", async () => {
    const house = up();
    await house.said("ready");
    const pids = descendants(house.pid);
    const keeper = pids[0] ?? 0;
    process.kill(keeper, "SIGKILL");
    await gone(pids, ORPHANED_WITHIN_MS);
    await house.kill("SIGKILL");
  });
});
