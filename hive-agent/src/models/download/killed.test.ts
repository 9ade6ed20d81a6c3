import { spawn, type ChildProcess } from "node:child_process";
import { randomInt } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { sha256, startHub, type TestHub } from "../testing/hub.ts";
import { padded } from "../testing/stand.ts";

/*
 * RBEE_KILLED_DOWNLOADS=200 for the full number; RBEE_KILLS is how often each is killed on its way.
 */
const downloads = Number(process.env["RBEE_KILLED_DOWNLOADS"] ?? 4);
const kills = Number(process.env["RBEE_KILLS"] ?? 5);
const BYTES = 32_000_000;
/** Between two pieces of a connection: a line of some tens of MB/s. */
const PACE_MS = 1;
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

const start = (model: string): ChildProcess =>
  spawn(process.execPath, ["--disable-warning=ExperimentalWarning", program, home, hub.url, model], {
    stdio: ["ignore", "pipe", "inherit"],
  });

/** Names of finished models; while a download runs there may be none of it. */
async function finished(): Promise<string[]> {
  const entries = await readdir(path.join(home, "hub"), { recursive: true }).catch(() => []);
  return entries.filter((name) => /(blobs|snapshots)/.test(name) && /(\/[0-9a-f]{64}|\.gguf)$/.test(name));
}

/** Runs it until the hub has sent so much more, then kills it in the middle of whatever it does. */
async function killedAfter(model: string, bytes: number): Promise<void> {
  const goal = hub.sent + bytes;
  const process = start(model);
  const exited = once(process, "exit");
  hub.onPiece = async (sent) => {
    if (sent >= goal) {
      process.kill("SIGKILL");
      // The system takes its time to close a dead process's connections; what is sent meanwhile nobody asked for.
      await exited;
    }
    await sleep(PACE_MS);
  };
  await exited;
}

test(
  `${downloads} downloads, each killed -9 at ${kills} random places: right in the end, and at most 1 % is fetched twice`,
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
      hub.onPiece = async () => sleep(PACE_MS);
      const process = start(model);
      const said = JSON.parse(await text(process.stdout ?? [])) as { path?: string; sha256?: string };
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
