import { buildRouteMap, type CommandContext, type RouteMap } from "@stricli/core";
import { clientOf } from "../common-flags.ts";
import { isLocal, namedHive } from "../queen-address.ts";
import { fieldsOf } from "./field-flags.ts";
import { commandOf, inputFrom, operationCommand as operation, type Flags } from "./operation-command.ts";
import { runWatched } from "./run-watched.ts";
import { printData, printJson } from "../terminal/output.ts";
import * as view from "./views/workers.ts";

const message = ({ message }: { readonly message: string }): string => message;

/** `rbee workers …`: the queen's view of them, the processes on a hive, and the engines they run on. */
export const workerRoutes = (): RouteMap<CommandContext> =>
  buildRouteMap<string>({
    docs: { brief: "Processes that have a model loaded, and the engines they run on" },
    routes: {
      list: operation("active_worker_list", { render: view.renderWorkers }),
      get: operation("active_worker_get", { positional: ["worker_id"], render: view.renderWorker }),
      retire: operation("active_worker_retire", {
        positional: ["worker_id"],
        render: message,
        examples: [
          { input: "worker-attic-9100", brief: "It finishes what it does, then it is stopped" },
          { input: "worker-attic-9100 --keep", brief: "It finishes, and stays" },
        ],
      }),
      ps: operation("worker_process_list", { positional: ["hive_id"], render: view.renderProcesses }),
      spawn: operation("worker_spawn", {
        positional: ["model"],
        render: view.renderSpawn,
        examples: [
          { input: "bee-tiny --slots 2", brief: "On this machine, for two requests at once" },
          { input: "bee-tiny --hive attic --device cuda:1", brief: "On the second GPU of the hive attic" },
          { input: "llama3 --worker openai --server http://127.0.0.1:11434/v1", brief: "A server that runs already" },
        ],
      }),
      stop: stopCommand(),
      catalog: operation("worker_catalog_list", { positional: ["hive_id"], render: view.renderCatalog }),
      installed: operation("worker_binary_list", { positional: ["hive_id"], render: view.renderBinaries }),
      install: operation("worker_download", {
        positional: ["worker_type"],
        render: view.renderInstalled,
        afterCancel: "The part that came is kept: the same command goes on from there.",
        examples: [{ input: "cuda-llm-worker --hive attic", brief: "The engine for NVIDIA boards, on the hive attic" }],
      }),
      build: operation("worker_build", {
        positional: ["worker_type"],
        render: view.renderInstalled,
        verbose: true,
        examples: [
          { input: "llama-server", brief: "From its source, on this machine" },
          { input: "llama-server --backend cuda --jobs 8", brief: "For NVIDIA boards, with eight compilers" },
        ],
      }),
      uninstall: operation("worker_binary_delete", { positional: ["worker_type"], render: message }),
    },
  });

/** `rbee workers stop`: by the pid on a hive, or by the worker's name, which tells its hive. */
function stopCommand() {
  const named = fieldsOf("worker_process_delete").filter(({ name }) => !["pid", "worker_id", "keep"].includes(name));
  const place = {
    name: "worker",
    required: true,
    schema: { type: "string", description: "Worker, or the pid of its process" },
  };
  return commandOf({
    brief: "Stop a worker process and wait until it is gone",
    examples: [
      { input: "worker-attic-9100", brief: "Wherever it is; requests get a moment to end" },
      { input: "4711 --hive attic --drain-ms 0", brief: "By its pid, at once" },
    ],
    fields: named,
    places: [place],
    run: async (flags, [worker]) => {
      const which = await processOf(String(worker), flags);
      const result = await runWatched(flags, "worker_process_delete", { ...inputFrom(flags, named), ...which });
      if (flags.json === true) printJson(result);
      else printData(result.message);
    },
  });
}

async function processOf(
  worker: string,
  flags: Flags,
): Promise<{ pid: number } | { worker_id: string; hive_id?: string }> {
  if (/^\d+$/.test(worker)) return { pid: Number(worker) };
  if (isLocal(flags) || namedHive(flags) !== undefined) return { worker_id: worker };
  const found = await clientOf(flags).run("active_worker_get", { worker_id: worker });
  return { worker_id: worker, hive_id: found.worker.hive_id };
}
