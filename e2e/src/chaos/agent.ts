import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { startAgent } from "../../../hive-agent/src/agent.ts";
import { stderrLog } from "../../../hive-agent/src/log.ts";

/* The agent as it is, but the worker it starts for any model is the synthetic one. Says what hive-agent/src/main.ts says. */

const { values } = parseArgs({
  options: {
    "queen-url": { type: "string", default: "" },
    home: { type: "string", default: "" },
    "model-file": { type: "string", multiple: true, default: [] },
    preload: { type: "string", default: "" },
    slots: { type: "string", default: "4" },
    // Every hive of a house is given one; these have no server of their own.
    "local-port": { type: "string" },
  },
});
const say = (event: Readonly<Record<string, unknown>>): void => void process.stdout.write(`${JSON.stringify(event)}\n`);

const join_token = process.env["RBEE_JOIN_TOKEN"];
delete process.env["RBEE_JOIN_TOKEN"];
const agent = await startAgent({
  home: values.home,
  queen_url: values["queen-url"],
  ...(join_token === undefined ? {} : { join_token }),
  model_dirs: [],
  model_files: values["model-file"],
  slots: Number(values.slots),
  kinds: { synthetic: { args: [fileURLToPath(new URL("engine.ts", import.meta.url))] } },
  log: stderrLog("hive"),
});

const stop = async (drain_ms: number): Promise<void> => agent.stop(drain_ms);
process.on("SIGTERM", () => void stop(0));
process.stdin.on("close", () => void stop(0)).resume();
void agent.stopped.then((refusal) => {
  say(refusal === undefined ? { event: "stopped" } : { event: "refused", code: refusal.code, detail: refusal.message });
  process.exit(refusal === undefined ? 0 : 1);
});

await agent.connected;
const { signal } = new AbortController();
if (values.preload !== "" && agent.supervisor.ready(values.preload).length === 0)
  await agent.supervisor.spawn({ model: values.preload, slots: Number(values.slots) }, { signal });
say({ event: "ready", workers: agent.supervisor.list() });
