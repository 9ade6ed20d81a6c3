import { buildRouteMap, type CommandContext, type RouteMap } from "@stricli/core";
import type { OperationRequest, OperationResult } from "@rbee/sdk";
import { clientOf } from "../common-flags.ts";
import { isLocal, namedHive } from "../queen-address.ts";
import { fieldsOf } from "./field-flags.ts";
import {
  commandOf,
  inputFrom,
  operationCommand as operation,
  type CommandParts,
  type Flags,
} from "./operation-command.ts";
import { runWatched } from "./run-watched.ts";
import { printResult } from "../terminal/output.ts";
import { renderMessage } from "./views/parts.ts";
import * as view from "./views/workers.ts";

/** `rbee workers …`: the queen's view of them, the processes on a hive, and the engines they run on. */
export const workerRoutes = (): RouteMap<CommandContext> =>
  buildRouteMap<string>({
    docs: { brief: "Processes that have a model loaded, and the engines they run on" },
    routes: {
      list: operation("active_worker_list", {
        render: view.renderWorkers,
        examples: [{ input: "", brief: "Of all hives, with their free slots and speed" }],
      }),
      get: operation("active_worker_get", {
        positional: ["worker_id"],
        render: view.renderWorker,
        examples: [{ input: "worker-attic-9100", brief: "As the queen sees it" }],
      }),
      retire: operation("active_worker_retire", {
        positional: ["worker_id"],
        render: renderMessage,
        examples: [
          { input: "worker-attic-9100", brief: "It finishes what it does, then it is stopped" },
          { input: "worker-attic-9100 --keep", brief: "It finishes, and stays" },
        ],
      }),
      ps: operation("worker_process_list", {
        positional: ["hive_id"],
        render: view.renderProcesses,
        examples: [{ input: "attic", brief: "Processes of the hive attic, with their memory" }],
      }),
      process: processCommand(),
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
      ...engines(),
    },
  });

/** What workers run on: what could be installed, what is, and the ways between. */
const engines = () => ({
  catalog: operation("worker_catalog_list", {
    positional: ["hive_id"],
    render: view.renderCatalog,
    examples: [{ input: "attic", brief: "What attic could install, and why not the rest" }],
  }),
  offer: operation("worker_catalog_get", {
    positional: ["worker_type"],
    render: ({ worker }) => view.renderCatalog({ workers: [worker] }),
    examples: [{ input: "cuda-llm-worker --hive attic", brief: "One line of the catalog" }],
  }),
  installed: operation("worker_binary_list", {
    positional: ["hive_id"],
    render: view.renderBinaries,
    examples: [{ input: "attic", brief: "Engines that attic has, and who uses them" }],
  }),
  engine: operation("worker_binary_get", {
    positional: ["worker_type"],
    render: view.renderEngine,
    examples: [{ input: "cpu-llm-worker", brief: "Where it is, and its checksum" }],
  }),
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
  uninstall: operation("worker_binary_delete", {
    positional: ["worker_type"],
    render: renderMessage,
    examples: [{ input: "cuda-llm-worker --hive attic", brief: "Refused while workers use it" }],
  }),
});

const place = {
  name: "worker",
  required: true,
  schema: { type: "string", description: "Worker, or the pid of its process" },
};

/** A command about one process: by the pid on a hive, or by the worker's name, which tells its hive. */
function oneProcess<K extends "worker_process_get" | "worker_process_delete">(
  operation: K,
  view: {
    readonly brief: string;
    readonly examples: CommandParts["examples"];
    readonly render: (result: OperationResult<K>) => string;
  },
) {
  const named = fieldsOf(operation).filter(({ name }) => !["pid", "worker_id", "keep"].includes(name));
  return commandOf({
    brief: view.brief,
    examples: view.examples,
    fields: named,
    places: [place],
    run: async (flags, [worker]) => {
      const which = await processOf(String(worker), flags);
      const result = await runWatched(flags, operation, {
        ...inputFrom(flags, named),
        ...which,
      } as OperationRequest<K>);
      printResult(flags, result, view.render);
    },
  });
}

const stopCommand = () =>
  oneProcess("worker_process_delete", {
    brief: "Stop a worker process and wait until it is gone",
    examples: [
      { input: "worker-attic-9100", brief: "Wherever it is; requests get a moment to end" },
      { input: "4711 --hive attic --drain-ms 0", brief: "By its pid, at once" },
    ],
    render: renderMessage,
  });

const processCommand = () =>
  oneProcess("worker_process_get", {
    brief: "Show one worker process",
    examples: [{ input: "worker-attic-9100", brief: "Its memory and processor time, and what is wrong with it" }],
    render: ({ worker }) => view.renderProcesses({ workers: [worker] }),
  });

async function processOf(
  worker: string,
  flags: Flags,
): Promise<{ pid: number } | { worker_id: string; hive_id?: string }> {
  if (/^\d+$/.test(worker)) return { pid: Number(worker) };
  if (isLocal(flags) || namedHive(flags) !== undefined) return { worker_id: worker };
  const found = await clientOf(flags).run("active_worker_get", { worker_id: worker });
  return { worker_id: worker, hive_id: found.worker.hive_id };
}
