import { spawn, type ChildProcess } from "node:child_process";
import { createPublicKey, verify } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { connectMessage, problemOf } from "@rbee/contracts";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { MockQueen } from "./link/testing/mock-queen.ts";

const MAIN = fileURLToPath(new URL("main.ts", import.meta.url));
const TOKEN = "rbj_main_0123456789abcdef";
const ID = `job_${"a".repeat(26)}`;

let queen: MockQueen;
let home: string;
let agents: ChildProcess[] = [];

beforeEach(async () => {
  queen = await MockQueen.start();
  queen.enrol = ({ hive_id, public_key }) => ({ status: 200, body: { hive_id, credential: `sealed ${public_key}` } });
  home = join(mkdtempSync(join(tmpdir(), "rbee-agent-")), "home");
});

afterEach(async () => {
  for (const agent of agents.splice(0)) {
    if (agent.exitCode !== null || agent.signalCode !== null) continue;
    agent.kill("SIGKILL");
    await once(agent, "exit");
  }
  await queen.stop();
  rmSync(join(home, ".."), { recursive: true });
});

interface Event {
  event: string;
  [field: string]: unknown;
}

/** The agent as a real process. */
function start(env: Record<string, string> = {}) {
  const args = [
    "--no-warnings",
    MAIN,
    "--queen-url",
    queen.url,
    "--home",
    home,
    "--hive-id",
    "testbed",
    "--local-port",
    "0",
  ];
  const agent = spawn(process.execPath, args, { env: { ...process.env, ...env }, stdio: ["pipe", "pipe", "pipe"] });
  agents.push(agent);
  const events: Event[] = [];
  let stderr = "";
  let changed = Promise.withResolvers<void>();
  const news = () => {
    changed.resolve();
    changed = Promise.withResolvers();
  };
  createInterface({ input: agent.stdout }).on("line", (line) => {
    events.push(JSON.parse(line) as Event);
    news();
  });
  agent.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  let over = false;
  const exited = once(agent, "close").then(([code]) => {
    over = true;
    news();
    return code as number | null;
  });
  const said = async (name: string): Promise<Event> => {
    for (;;) {
      const found = events.find(({ event }) => event === name);
      if (found !== undefined) return found;
      // Not when it has ended: what it said last may still come.
      if (over) throw new Error(`the agent ended without saying ${name}: ${stderr}`);
      await changed.promise;
    }
  };
  return { agent, said, exited, stderr: () => stderr };
}

describe("the agent process", () => {
  test("[AGENT-19] joins with a token, keeps its key to itself, and signs what the queen can check", async () => {
    let publicKey = "";
    queen.enrol = ({ token, hive_id, public_key }) => {
      expect([token, hive_id]).toEqual([TOKEN, "testbed"]);
      publicKey = public_key;
      return { status: 200, body: { hive_id: "named-by-token", credential: "sealed" } };
    };
    let signed = false;
    queen.refuse = ({ headers }) => {
      const key = createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x: publicKey }, format: "jwk" });
      const message = connectMessage(Number(headers["x-rbee-timestamp"]), String(headers["x-rbee-nonce"]));
      const signature = Buffer.from(String(headers["x-rbee-signature"]), "base64url");
      signed = headers["x-rbee-credential"] === "sealed" && verify(null, Buffer.from(message), key, signature);
      return undefined;
    };
    const { agent, said, exited } = start({ RBEE_JOIN_TOKEN: TOKEN });
    expect(await said("connected")).toEqual({ event: "connected", hive_id: "named-by-token" });
    expect(await said("ready")).toMatchObject({ models: [], workers: [] });
    expect(signed).toBe(true);
    expect(statSync(home).mode & 0o777).toBe(0o700);
    expect(statSync(join(home, "credential.json")).mode & 0o777).toBe(0o600);
    expect(readFileSync(join(home, "credential.json"), "utf8")).not.toContain(TOKEN);
    agent.kill("SIGTERM");
    expect(await exited).toBe(0);
    expect(await said("stopped")).toEqual({ event: "stopped" });
  });

  test("[AGENT-18] one agent per home; kill -9 leaves nothing in the way, and the job goes on", async () => {
    const first = start({ RBEE_JOIN_TOKEN: TOKEN });
    await first.said("connected");
    const second = start();
    expect(await second.said("refused")).toMatchObject({ code: "unavailable" });
    expect(await second.exited).not.toBe(0);
    // The operation is taken up, and its lane goes nowhere.
    queen.losePreludes = true;
    queen.refuse = ({ url }) => (url?.startsWith("/v1/lanes") === true ? { status: 503 } : undefined);
    queen.op({ job_id: ID });
    const tried = Promise.withResolvers<void>();
    const refuse = queen.refuse;
    queen.refuse = (request) => {
      const refusal = refuse(request);
      if (refusal !== undefined) tried.resolve();
      return refusal;
    };
    await tried.promise;
    first.agent.kill("SIGKILL");
    await first.exited;
    queen.refuse = undefined;
    await start().said("connected");
    expect(await queen.outcome(ID)).toEqual({ status: "succeeded", result: { models: [] } });
  });

  test("[AGENT-20] a queen that does not know the credential takes a token instead; without one the agent ends", async () => {
    const first = start({ RBEE_JOIN_TOKEN: TOKEN });
    await first.said("connected");
    first.agent.kill("SIGKILL");
    await first.exited;
    let known = readFileSync(join(home, "credential.json"), "utf8");
    queen.refuse = ({ headers }) =>
      known.includes(String(headers["x-rbee-credential"]))
        ? {
            status: 401,
            headers: { "x-rbee-time": String(Date.now()) },
            body: problemOf("unauthorized", "who are you?"),
          }
        : undefined;
    const second = start();
    expect(await second.said("refused")).toEqual({ event: "refused", code: "unauthorized", detail: "who are you?" });
    expect(await second.exited).toBe(4);
    await start({ RBEE_JOIN_TOKEN: TOKEN }).said("connected");
    known = "";
  });

  test("[AGENT-20] without credential and token it says what is missing", async () => {
    const { said, exited } = start();
    expect(await said("refused")).toMatchObject({ code: "unauthorized" });
    expect(await exited).toBe(4);
  });

  test("[AGENT-21] ends with its parent when asked to", async () => {
    const { agent, said, exited } = start({ RBEE_JOIN_TOKEN: TOKEN, RBEE_EXIT_WITH_PARENT: "1" });
    await said("connected");
    agent.stdin.end();
    expect(await exited).toBe(0);
  });
});
