import { fileURLToPath } from "node:url";
import { startAgent } from "../../hive-agent/src/agent.ts";
import { stderrLog } from "../../hive-agent/src/log.ts";
import { workerKinds } from "../../hive-agent/src/workers/kinds.ts";
import type { SpawnRequest } from "../../hive-agent/src/workers/supervisor.ts";

/*
 * The agent, with the synthetic engine beside the real one. `<home> <queen url> <models folder>`, the join token in
 * RBEE_JOIN_TOKEN. Its parent talks over IPC: a list of `SpawnRequest` is answered with the workers.
 */

const [home = "", queen_url = "", models = ""] = process.argv.slice(2);
const join_token = process.env["RBEE_JOIN_TOKEN"] ?? "";
const synthetic = { args: [fileURLToPath(new URL("synthetic-worker.ts", import.meta.url))] };

const agent = await startAgent({
  home,
  queen_url,
  join_token,
  hive_id: "bench",
  model_dirs: [models],
  model_files: [],
  kinds: { synthetic, ...workerKinds },
  log: stderrLog("hive"),
});

async function stop(): Promise<void> {
  await agent.stop(0);
  process.exit(0);
}

process.on("SIGTERM", () => void stop());
process.on("SIGINT", () => void stop());
// The bench died: its fleet has no purpose any more.
process.on("disconnect", () => void stop());
process.on("message", (requests: SpawnRequest[]) => void spawn(requests));

async function spawn(requests: readonly SpawnRequest[]): Promise<void> {
  const { signal } = new AbortController();
  // One after the other: equal requests made at once would share a worker.
  for (const request of requests) await agent.supervisor.spawn(request, { signal });
  process.send?.({ workers: agent.supervisor.list() });
}

await agent.connected;
process.send?.({ connected: agent.hive_id });
