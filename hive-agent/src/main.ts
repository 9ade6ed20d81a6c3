import { homedir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { parseArgs } from "node:util";
import { errors, KeepAlive, limits, RbeeError } from "@rbee/contracts";
import { startAgent, type Agent, type AgentOptions } from "./agent.ts";
import { stderrLog } from "./log.ts";
import { policyFrom } from "./models/policy.ts";

/**
 * The agent as a process. One line of JSON per event on stdout: local, connected, ready, refused, stopped. Words go to stderr.
 * SIGTERM stops it in order, a second one hands back what still runs, a third ends it; kill -9 leaves nothing that the
 * next start does not clean up.
 */

const USAGE = `rbee-hive --queen-url <url> [--join-token <token>] [--home <dir>] [--hive-id <name>]
          [--models <dir>]… [--model-file <file>]… [--preload <model>]… [--slots <n>] [--local-port <n>]
          [--drain <seconds>] [--keep-alive <seconds>]

--drain is how long running jobs may take to end when the agent is told to stop (Ctrl-C, SIGTERM).

The local server answers on 127.0.0.1, at port 7835 unless told otherwise (RBEE_LOCAL_PORT; 0 is any free port, "none" is
no server); its key is in local.json of the home.
--keep-alive is how long a model that a request loaded stays when idle (10m; -1: while there is room), unless the request
says so. What a person loads stays, and what is --preload'ed: until it is stopped, or until another model needs its memory
while it is idle (rbee models load --pin keeps it from that).
Models come from HF_ENDPOINT (huggingface.co) with HF_TOKEN into HF_HOME, as fast as they come unless RBEE_DOWNLOAD_LIMIT
names bytes a second (such as 20M), and from public https addresses only, unless RBEE_ALLOW_PRIVATE_URLS=1.
With RBEE_PULL=1 a request for a model that no hive has (org/repo or org/repo:QUANT) has it fetched here; without it that
is model_not_found.
The join token is better given as RBEE_JOIN_TOKEN, or on stdin with --join-token -.`;

const { values } = parseArgs({
  options: {
    "queen-url": { type: "string" },
    "join-token": { type: "string" },
    home: { type: "string", default: join(homedir(), ".rbee", "hive") },
    "hive-id": { type: "string" },
    models: { type: "string", multiple: true, default: [] },
    "model-file": { type: "string", multiple: true, default: [] },
    preload: { type: "string", multiple: true, default: [] },
    slots: { type: "string" },
    "local-port": { type: "string", default: process.env["RBEE_LOCAL_PORT"] ?? String(limits.local_port) },
    drain: { type: "string" },
    "keep-alive": { type: "string" },
    help: { type: "boolean", default: false },
  },
});

const log = stderrLog("hive");
const say = (event: Readonly<Record<string, unknown>>): void => void process.stdout.write(`${JSON.stringify(event)}\n`);

async function options(): Promise<AgentOptions> {
  const asked = values["join-token"] ?? process.env["RBEE_JOIN_TOKEN"];
  // Workers inherit the environment; the token is not theirs.
  delete process.env["RBEE_JOIN_TOKEN"];
  const join_token = asked === "-" ? (await text(process.stdin)).trim() : asked;
  const slots = values.slots === undefined ? undefined : Number(values.slots);
  if (slots !== undefined && !(Number.isInteger(slots) && slots >= 1 && slots <= limits.slots_max)) {
    throw new RbeeError("invalid_input", `--slots is a number from 1 to ${limits.slots_max}`);
  }
  const keep_alive = keepAliveOf(values["keep-alive"]);
  const model_policy = policyFrom(process.env);
  // Whatever this agent starts inherits the environment; the token is the agent's alone.
  delete process.env["HF_TOKEN"];
  const local_port = portOf(values["local-port"]);
  return {
    home: values.home,
    model_dirs: values.models,
    model_files: values["model-file"],
    model_policy,
    log,
    ...(values["queen-url"] === undefined ? {} : { queen_url: values["queen-url"] }),
    ...(join_token === undefined || join_token === "" ? {} : { join_token }),
    ...(values["hive-id"] === undefined ? {} : { hive_id: values["hive-id"] }),
    ...(slots === undefined ? {} : { slots }),
    ...(keep_alive === undefined ? {} : { keep_alive }),
    ...(local_port === undefined ? {} : { local_port }),
  };
}

function keepAliveOf(text: string | undefined): number | undefined {
  const given = KeepAlive.optional().safeParse(text);
  if (given.success) return given.data;
  throw new RbeeError("invalid_input", "--keep-alive is a number of seconds, or a time as 10m");
}

const PORT_MAX = 65_535;

function portOf(text: string): number | undefined {
  if (text === "none") return undefined;
  if (/^\d{1,5}$/.test(text) && Number(text) <= PORT_MAX) return Number(text);
  throw new RbeeError("invalid_input", `--local-port is a port from 0 to ${PORT_MAX}, or none`);
}

/** @returns milliseconds */
function drainTime(): number {
  const { drain } = values;
  const ms = drain === undefined ? limits.drain_ms : Number(drain) * 1_000;
  if (!(ms >= 0 && ms <= limits.drain_ms_max))
    throw new RbeeError("invalid_input", `--drain is a number of seconds, at most ${limits.drain_ms_max / 1_000}`);
  return ms;
}

async function preload(agent: Agent, slots: number | undefined): Promise<void> {
  const signal = new AbortController().signal;
  for (const model of values.preload) {
    const { id } = await agent.catalogue.resolve(model);
    // An earlier agent's worker may still be there.
    if (agent.supervisor.ready(id).length === 0) await agent.supervisor.spawn({ model: id, slots }, { signal });
  }
}

function stopOnSignal(agent: Agent, drain_ms: number): void {
  const stop = (drain_ms: number) => agent.stop(drain_ms).catch((error: unknown) => exitWith(error));
  let asked = 0;
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.on(signal, () => {
      asked += 1;
      if (asked > 2) process.exit(1);
      if (asked === 1 && agent.jobsHeld > 0)
        log.info("finishing what runs; once more hands it back at once", { jobs: agent.jobsHeld, drain_ms });
      void stop(asked === 1 ? drain_ms : 0);
    });
  }
  // The parent died, and a queen it started with it: nothing to wait for.
  if (process.env["RBEE_EXIT_WITH_PARENT"] === "1") process.stdin.on("close", () => void stop(0)).resume();
}

function exitWith(error: unknown): never {
  const problem = error instanceof RbeeError ? error : undefined;
  if (problem === undefined)
    log.error("the agent broke", { error: error instanceof Error ? error.stack : String(error) });
  else log.error(problem.message, { code: problem.code });
  say({ event: "refused", code: problem?.code ?? "internal", detail: problem?.message ?? "see the log" });
  process.exit(errors[problem?.code ?? "internal"].exit);
}

async function main(): Promise<void> {
  if (values.help) return void process.stderr.write(`${USAGE}\n`);
  const given = await options();
  const drain_ms = drainTime();
  const agent = await startAgent(given);
  stopOnSignal(agent, drain_ms);
  if (agent.local_url !== undefined) say({ event: "local", url: agent.local_url });
  agent.connected.then(
    () => say({ event: "connected", hive_id: agent.hive_id }),
    () => undefined,
  );
  Promise.all([agent.connected, preload(agent, given.slots)]).then(
    async () => say({ event: "ready", models: await agent.catalogue.list(), workers: agent.supervisor.list() }),
    (error: unknown) => log.error("not everything could be loaded", { error: String(error) }),
  );
  const refusal = await agent.stopped;
  if (refusal !== undefined) exitWith(refusal);
  say({ event: "stopped" });
  process.exit(0);
}

await main().catch(exitWith);
