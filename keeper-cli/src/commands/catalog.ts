import { buildRouteMap, type Command, type RouteMap, type CommandContext } from "@stricli/core";
import { operationNames } from "@rbee/contracts";
import { operationCommand as operation } from "./operation-command.ts";
import * as view from "./views.ts";

type Routes = Record<string, Command<CommandContext> | RouteMap<CommandContext>>;

const message = ({ message }: { readonly message: string }): string => message;

/** Which command runs which row, what is given by place, and how its result reads. */
export const operationRoutes = (): Routes => ({
  status: operation("status", { render: view.renderStatus }),
  hives: buildRouteMap<string>({
    docs: { brief: "Machines that run models" },
    routes: {
      list: operation("hive_list", { render: view.renderHives }),
      get: operation("hive_get", { positional: ["hive_id"], render: view.renderHive }),
      status: operation("hive_status", { positional: ["hive_id"], render: view.renderHiveStatus }),
      token: operation("hive_token_create", {
        render: view.renderToken,
        examples: [{ input: "--label attic", brief: "For the machine that shall be called attic" }],
      }),
    },
  }),
  models: buildRouteMap<string>({
    docs: { brief: "Models on the hives' disks" },
    routes: {
      list: operation("model_list", { render: view.renderModels }),
      get: operation("model_get", { positional: ["id"], render: view.renderModel }),
    },
  }),
  workers: buildRouteMap<string>({
    docs: { brief: "Processes that have a model loaded" },
    routes: {
      list: operation("active_worker_list", { render: view.renderWorkers }),
      ps: operation("worker_process_list", { positional: ["hive_id"], render: view.renderProcesses }),
      spawn: operation("worker_spawn", {
        positional: ["model"],
        render: view.renderSpawn,
        examples: [{ input: "bee-tiny --slots 2", brief: "On this machine, for two requests at once" }],
      }),
      delete: operation("worker_process_delete", { positional: ["pid"], render: message }),
    },
  }),
  run: buildRouteMap<string>({
    docs: {
      brief: "Run any operation by its wire name, and print its result as JSON",
      fullDescription:
        "Every operation of the queen, with a flag for each of its fields. The result is printed as JSON.",
    },
    routes: Object.fromEntries(
      operationNames.map((name) => [name, operation(name, { render: (result) => JSON.stringify(result, null, 2) })]),
    ),
  }),
});
