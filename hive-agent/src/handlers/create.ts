import { narrate } from "@rbee/contracts";
import type { HiveHandlers } from "../jobs/handler.ts";
import { isLoaded, modelInfos, type HandlerDeps } from "./deps.ts";
import { inferHandler } from "./infer.ts";
import { workerHandlers } from "./workers.ts";

/** The handler of every operation that runs on a hive. */
export function createHandlers(deps: HandlerDeps): HiveHandlers {
  return {
    ...workerHandlers(deps),
    infer: inferHandler(deps),

    async *hive_status() {
      yield narrate("hive", "hive_status", `${deps.hive_id} is asking the queen for a sign of life`);
      const rtt_ms = await deps.rtt();
      return { hive_id: deps.hive_id, running: true, rtt_ms, last_seen: Date.now() };
    },

    async *model_list() {
      yield narrate("hive", "model_list", "Looking for models on disk");
      return { models: await modelInfos(deps) };
    },

    async *model_get({ id }) {
      yield narrate("hive", "model_get", `Reading ${id}`);
      const model = await deps.catalogue.get(id);
      return { model: { ...model, loaded: isLoaded(deps.supervisor, model.id) } };
    },
  };
}
