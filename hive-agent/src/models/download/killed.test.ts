import { spawn, type ChildProcessByStdio } from "node:child_process";
import { randomInt } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { setImmediate as nextTurn } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { sha256, startHub, type TestHub } from "../testing/hub.ts";
import { padded } from "../testing/stand.ts";
import { Part } from "./part.ts";

/*
 * RBEE_KILLED_DOWNLOADS=200 for the full number, RBEE_KILLS for how often each is killed on its way.
 */
const downloads = Number(process.env["RBEE_KILLED_DOWNLOADS"] ?? 4);
const kills = Number(process.env["RBEE_KILLS"] ?? 5);
const BYTES = Number(process.env["RBEE_KILLED_BYTES"] ?? 32_000_000);
const LINE_BYTES = 32_768;
const program = fileURLToPath(new URL("../testing/download-process.ts", import.meta.url));

let hub: TestHub;
let home: string;
beforeAll(async () => {
  hub = await startHub();
  home = await mkdtemp(path.join(os.tmpdir(), "rbee-killed-"));
});
afterAll(async () => {
  await hub.close();
  await rm(home, { recursive: true, force: true });
});

const start = (model: string): ChildProcessByStdio<null, Readable, null> =>
  spawn(process.execPath, ["--disable-warning=ExperimentalWarning", program, home, hub.url, model], {
    stdio: ["ignore", "pipe", "inherit"],
  });

/** Names of finished models; while a download runs there may be none of it. */
async function finished(): Promise<string[]> {
  const entries = await readdir(path.join(home, "hub"), { recursive: true }).catch(() => []);
  return entries.filter((name) => /(blobs|snapshots)/.test(name) && /(\/[0-9a-f]{64}|\.gguf)$/.test(name));
}

const done = async (model: string): Promise<number> => {
  const folder = path.join(home, "hub", `models--${model.replace("/", "--")}`, "blobs");
  const part = (await readdir(folder).catch(() => [])).find((name) => name.endsWith(".part"));
  return (part === undefined ? undefined : await Part.doneOf(path.join(folder, part))) ?? 0;
};

/**
 * Starts it on a short line: what is on its way when a process dies is lost on any line, and the system's buffers make this
 * one megabytes long.
 */
async function begin(model: string): Promise<ReturnType<typeof start>> {
  const before = { sent: hub.sent, done: await done(model) };
  const process = start(model);
  hub.onPiece = async (sent) => {
    while (process.exitCode === null && process.signalCode === null) {
      if (sent - before.sent - ((await done(model)) - before.done) <= LINE_BYTES) return true;
      await nextTurn();
    }
    return false;
  };
  return process;
}

/** Runs it until the hub has sent so much more, then kills it in the middle of whatever it does. */
async function killedAfter(model: string, bytes: number): Promise<void> {
  const goal = hub.sent + bytes;
  const process = await begin(model);
  const exited = once(process, "exit");
  const line = hub.onPiece;
  hub.onPiece = async (sent) => {
    if ((await line?.(sent)) === false) return false;
    if (sent < goal) return true;
    process.kill("SIGKILL");
    // The system takes its time to close a dead process's connections; what is sent meanwhile nobody asked for.
    await exited;
    return false;
  };
  await exited;
}

test(
  `${downloads} downloads, each killed -9 at ${kills} random places: right in the end, and at most 1 % is fetched twice [MODEL-1]`,
  { timeout: 60_000 + downloads * (kills + 1) * 5_000 },
  async () => {
    let sent = 0;
    let killed = 0;
    for (let n = 0; n < downloads; n += 1) {
      const bytes = padded(BYTES);
      const model = `org/bee-${n}`;
      hub.addRepo(model, { "bee.Q8_0.gguf": bytes });
      for (let kill = 0; kill < kills; kill += 1) {
        await killedAfter(model, randomInt(1, Math.floor(BYTES / kills)));
        killed += 1;
        expect(await finished()).toEqual([]);
      }
      const process = await begin(model);
      const said = JSON.parse(await text(process.stdout)) as { path?: string; sha256?: string };
      expect(said).toMatchObject({ sha256: sha256(bytes) });
      expect((await readFile(said.path ?? "")).equals(bytes)).toBe(true);
      expect((await finished()).length).toBe(2);
      sent += hub.sent;
      hub.requests.length = 0;
      await rm(path.join(home, "hub"), { recursive: true });
    }
    const share = sent / (downloads * (BYTES + 2_301_280)) - 1;
    console.error(
      `${downloads} downloads, ${killed} kills: ${(100 * share).toFixed(3)} % of the bytes were sent twice`,
    );
    expect(share).toBeLessThanOrEqual(0.01);
  },
);
