import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { lockHome } from "./home-lock.ts";
import { LogFile } from "./log-file.ts";
import { Supervised } from "./supervised.ts";

const dir = mkdtempSync(join(tmpdir(), "rbee-up-"));

/** A child made of one script, and the events and deaths that its supervisor saw. */
function supervise(name: string, script: string) {
  const entry = join(dir, `${name}.mjs`);
  writeFileSync(entry, `const say = (event) => process.stdout.write(JSON.stringify(event) + "\\n");\n${script}`);
  const seen: Record<string, unknown>[] = [];
  const deaths: { how: string; delayMs: number }[] = [];
  const waiting = new Set<() => void>();
  const wake = (): void => waiting.forEach((check) => check());
  const log = new LogFile(join(dir, `${name}.log`));
  const child = new Supervised({
    entry,
    args: () => ["--start", String(deaths.length + 1)],
    env: async () => ({ SECRET: "s3cret" }),
    log,
    onEvent: (event) => (seen.push(event), wake()),
    onDeath: (how, delayMs) => (deaths.push({ how, delayMs }), wake()),
  });
  const until = (done: () => boolean): Promise<void> =>
    new Promise((resolve) => {
      const check = (): void => (done() ? resolve() : undefined);
      waiting.add(check);
      check();
    });
  return { child, seen, deaths, log, until };
}

const STAYS = `process.stdin.on("end", () => process.exit()).resume(); process.on("SIGTERM", () => process.exit());`;

test("a child gets its secrets in the environment, and its lines are read", async () => {
  const { child, seen, until } = supervise(
    "ready",
    `${STAYS} say({ event: "ready", secret: process.env.SECRET, args: process.argv.slice(2) });`,
  );
  await child.start();
  await until(() => seen.length === 1);
  expect(seen[0]).toEqual({ event: "ready", secret: "s3cret", args: ["--start", "1"] });
  await child.stop();
});

test("a child that dies is started again, a little later each time, and its last words are kept", async () => {
  const { child, seen, deaths, log, until } = supervise(
    "dies",
    `console.error("no luck"); say({ event: "up" }); process.exit(3);`,
  );
  await child.start();
  await until(() => deaths.length === 3);
  await child.stop();
  expect(deaths).toEqual([200, 400, 800].map((delayMs) => ({ how: "exit code 3", delayMs })));
  expect(seen).toHaveLength(3);
  expect(log.tail).toContain("no luck");
  expect(readFileSync(log.path, "utf8")).toBe("no luck\n".repeat(3));
});

test("what a killed child leaves behind goes with it", async () => {
  const script = `${STAYS}
    const { spawn } = await import("node:child_process");
    const own = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "ignore" });
    say({ event: "up", own: own.pid, pid: process.pid });`;
  const { child, seen, deaths, until } = supervise("leaves", script);
  await child.start();
  await until(() => seen.length === 1);
  process.kill(Number(seen[0]?.["pid"]), "SIGKILL");
  await until(() => deaths.length === 1);
  await child.stop();
  // A killed process stays visible until its new parent has looked; then the signal finds nobody.
  await expect.poll(() => isAlive(Number(seen[0]?.["own"]))).toBe(false);
});

test("one home, one `up`", () => {
  const home = join(dir, "home");
  const lock = lockHome(home);
  expect(() => lockHome(home)).toThrow("rbee is up already");
  lock.release();
  lockHome(home).release();
});

function isAlive(pid: number): boolean {
  try {
    return !readFileSync(`/proc/${pid}/stat`, "utf8").includes(") Z ");
  } catch {
    return false;
  }
}
