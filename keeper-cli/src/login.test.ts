import { mkdtempSync, readFileSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { FakeQueen } from "../../sdk/test/fake-queen.ts";
import { Rbee, type Ended } from "../test/rbee-process.ts";

/** Several queens, and what the shell completes of each. */

const hive = (hive_id: string, model: string) => ({
  hive_id,
  connected: true,
  last_seen: 1,
  enrolled_at: 1,
  devices: [],
  models: [{ id: model, name: model, size_bytes: 1, status: "ready", loaded: false }],
  jobs_running: 0,
  jobs_queued: 0,
});
const queenWith = (hive_id: string, model: string): Promise<FakeQueen> => {
  const result = { hives: [hive(hive_id, model)], workers: [], queue: { queued: 0, running: 0 } };
  return new FakeQueen({ status: () => [{ type: "result", result }] }).start();
};

let one: FakeQueen;
let other: FakeQueen;
let home: string;
beforeEach(async () => {
  home = mkdtempSync(join(tmpdir(), "rbee-contexts-"));
  [one, other] = await Promise.all([queenWith("attic", "owl"), queenWith("den", "bee")]);
});
afterEach(() => Promise.all([one.stop(), other.stop()]));

async function rbee(args: readonly string[], { stdin = "", env = {} } = {}): Promise<Ended> {
  const run = new Rbee(args, { RBEE_HOME: home, ...env });
  run.child.stdin.end(stdin);
  return run.ended();
}

async function logIn(): Promise<void> {
  await rbee(["login", one.url, "--name", "one"], { stdin: `${one.key}\n` });
  await rbee(["login", `${other.url}/?utm=x#y`, "--name", "other"], { stdin: `${other.key}\n` });
}

const hiveOf = ({ out }: Ended): string =>
  (JSON.parse(out) as { hives: { hive_id: string }[] }).hives.map((h) => h.hive_id).join();

test("a key is tried, then kept in a file that only its owner reads; the last login is in use", async () => {
  const { code, out, err } = await rbee(["login", one.url, "--name", "one"], { stdin: `${one.key}\n` });
  expect({ code, out, err }).toEqual({ code: 0, out: `Logged in to ${one.url} as context one\n`, err: "" });
  const file = join(home, "contexts.json");
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(hiveOf(await rbee(["status", "--json"]))).toBe("attic");
  const wrong = await rbee(["login", other.url, "--name", "other"], { stdin: "rbk_wrong\n" });
  expect(wrong.code).toBe(4);
  expect(wrong.out + wrong.err).not.toContain("rbk_wrong");
  expect(readFileSync(file, "utf8")).not.toContain("rbk_wrong");
  expect((await rbee(["login", "not a host"], { stdin: "x\n" })).code).toBe(2);
});

test("contexts are listed, used and forgotten; a flag wins over the environment, which wins over the one in use", async () => {
  await logIn();
  expect((await rbee(["context", "list"])).out).toMatch(/one +http\S+\nother +http\S+ +\* in use/);
  expect((await rbee(["context", "list", "--json"])).out).not.toContain(one.key);
  expect(hiveOf(await rbee(["status", "--json"]))).toBe("den");
  expect(hiveOf(await rbee(["status", "--json", "--context", "one"]))).toBe("attic");
  const env = { RBEE_URL: one.url, RBEE_API_KEY: one.key };
  expect(hiveOf(await rbee(["status", "--json"], { env }))).toBe("attic");
  expect(
    hiveOf(await rbee(["status", "--json", "--context", "other"], { env: { ...env, RBEE_API_KEY: "rbk_x" } })),
  ).toBe("den");
  expect((await rbee(["context", "use", "one"])).code).toBe(0);
  expect(hiveOf(await rbee(["status", "--json"]))).toBe("attic");
  expect((await rbee(["context", "use", "none"])).code).toBe(3);
  expect((await rbee(["context", "rm", "other"])).code).toBe(0);
  expect((await rbee(["logout"])).out).toBe("Forgot one\n");
  expect(readFileSync(join(home, "contexts.json"), "utf8")).not.toContain(one.key);
});

test("a queen's key goes to no other queen", async () => {
  await logIn();
  await rbee(["status", "--url", one.url]);
  expect(one.requests.at(-1)?.headers.authorization).toBeUndefined();
});

const completed = async (...words: string[]): Promise<string[]> =>
  (await rbee(["complete", "--", ...words])).out.split("\n").flatMap((line) => line.split("\t")[0] ?? []);

test("the shell completes what the queen has: hives, models, contexts", async () => {
  await logIn();
  expect(await completed("models", "get", "")).toContain("bee");
  expect(await completed("models", "get", "", "--context", "one", "o")).not.toContain("bee");
  expect(await completed("hives", "get", "d")).toContain("den");
  expect(await completed("models", "list", "--context", "one", "--hive", "")).toEqual(
    expect.arrayContaining(["attic", "local"]),
  );
  expect(await completed("status", "--context", "o")).toEqual(expect.arrayContaining(["one", "other"]));
});

test("with the queen away completion is quick, silent and still knows the commands", async () => {
  await logIn();
  await other.stop();
  const before = performance.now();
  const { out, err, code } = await rbee(["complete", "--", "models", "get", ""]);
  expect({ err, code }).toEqual({ err: "", code: 0 });
  expect(out).toMatch(/:4\n$/);
  expect(performance.now() - before).toBeLessThan(6_000);
  await other.start();
});
