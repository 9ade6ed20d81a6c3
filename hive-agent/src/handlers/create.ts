import { narrate } from "@rbee/contracts";
import type { HiveHandlers } from "../jobs/handler.ts";
import type { HandlerDeps } from "./deps.ts";
import { embedHandler } from "./embed.ts";
import { inferHandler } from "./infer.ts";
import { modelHandlers } from "./models.ts";
import { selfHandlers } from "./self.ts";
import { binaryHandlers } from "./workers-binaries.ts";
import { loadingHandlers } from "./workers-models.ts";
import { workerHandlers } from "./workers.ts";

/** The handler of every operation that runs on a hive. */
export function createHandlers(deps: HandlerDeps): HiveHandlers {
  const models = modelHandlers(deps);
  return {
    ...models,
    ...workerHandlers(deps, models.model_download),
    ...binaryHandlers(deps),
    ...loadingHandlers(deps, models.model_download),
    ...selfHandlers(deps.self),
    infer: inferHandler(deps),
    embed: embedHandler(deps),

    async *hive_status() {
      yield narrate("hive", "hive_status", `${deps.hive_id} is asking the queen for a sign of life`);
      const rtt_ms = await deps.rtt();
      return { hive_id: deps.hive_id, running: true, rtt_ms, last_seen: Date.now() };
    },
  };
}
