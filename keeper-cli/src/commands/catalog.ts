import { buildRouteMap, type Command, type RouteMap, type CommandContext } from "@stricli/core";
import { operationNames } from "@rbee/contracts";
import { isLocal } from "../queen-address.ts";
import { operationCommand as operation, type Flags } from "./operation-command.ts";
import * as fleet from "./views/fleet.ts";
import { renderKeys, renderNewKey } from "./views/keys.ts";
import * as models from "./views/models.ts";
import { renderMessage } from "./views/parts.ts";
import { renderQueue } from "./views/queue.ts";
import { renderUsage } from "./views/usage.ts";
import { workerRoutes } from "./workers.ts";

type Routes = Record<string, Command<CommandContext> | RouteMap<CommandContext>>;

/** Which command runs which row, what is given by place, and how its result reads. */
export const operationRoutes = (): Routes => ({
  status: operation("status", {
    render: fleet.renderStatus,
    examples: [{ input: "--json", brief: "The same for a program" }],
  }),
  embed: operation("embed", {
    positional: ["input"],
    render: ({ embeddings }) => embeddings.map((vector) => JSON.stringify(vector)).join("\n"),
    examples: [{ input: '--model minilm "What do bees eat?"', brief: "The vector as JSON, a line" }],
  }),
  queue: operation("queue_list", {
    render: renderQueue,
    brief: "Show what waits, why, for how long, and when it may start",
    examples: [
      { input: "", brief: "The next 50, in the order in which they will be served" },
      { input: "--limit 1000 --json", brief: "All of them, for a program" },
    ],
  }),
  usage: operation("usage_report", {
    render: renderUsage,
    examples: [
      { input: "", brief: "By API key, since the beginning" },
      { input: "--by model --from 2026-11-01 --to 2026-12-01", brief: "By model, in November" },
    ],
  }),
  keys: keyRoutes(),
  check: operation("queen_check", {
    render: fleet.renderChecks,
    judge: fleet.judgeChecks,
    examples: [{ input: "", brief: "Exit code 5 when not all is well" }],
  }),
  hives: hiveRoutes(),
  models: modelRoutes(),
  workers: workerRoutes(),
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

const hiveRoutes = (): RouteMap<CommandContext> =>
  buildRouteMap<string>({
    docs: { brief: "Machines that run models" },
    routes: {
      list: operation("hive_list", {
        render: fleet.renderHives,
        examples: [{ input: "", brief: "Those that are away, too" }],
      }),
      get: operation("hive_get", {
        positional: ["hive_id"],
        render: fleet.renderHive,
        examples: [{ input: "attic", brief: "Its devices, memory and models" }],
      }),
      status: operation("hive_status", {
        positional: ["hive_id"],
        render: fleet.renderHiveStatus,
        examples: [{ input: "attic", brief: "Whether it answers, and how fast" }],
      }),
      check: operation("hive_check", {
        positional: ["hive_id"],
        render: fleet.renderChecks,
        judge: fleet.judgeChecks,
        examples: [
          { input: "attic", brief: "What attic says of itself; exit code 5 when not all is well" },
          { input: "--hive local", brief: "This machine, without a queen" },
        ],
      }),
      refresh: operation("hive_refresh_capabilities", {
        positional: ["hive_id"],
        render: fleet.renderDevices,
        examples: [{ input: "attic", brief: "After a board was added" }],
      }),
      token: operation("hive_token_create", {
        render: fleet.renderToken,
        examples: [{ input: "--label attic", brief: "For the machine that shall be called attic" }],
      }),
    },
  });

const keyRoutes = (): RouteMap<CommandContext> =>
  buildRouteMap<string>({
    docs: { brief: "API keys of programs and people" },
    routes: {
      create: operation("key_create", {
        positional: ["name"],
        render: renderNewKey,
        examples: [
          { input: "laptop", brief: "To use models, until it is revoked" },
          { input: "grafana --scope operator --expires-in 86400", brief: "To see and run the fleet, for a day" },
          {
            input: "ci --requests-per-minute 60 --tokens-per-day 100000 --concurrent 2",
            brief: "For a program that shall leave something for others",
          },
        ],
      }),
      list: operation("key_list", {
        render: renderKeys,
        examples: [{ input: "", brief: "What each may do and use, and what it used today" }],
      }),
      revoke: operation("key_revoke", {
        positional: ["key_id"],
        render: renderMessage,
        examples: [{ input: "laptop-k3v9qa", brief: "Within a second it is worthless everywhere" }],
      }),
    },
  });

/** The job is cancelled; what it has fetched is not lost. */
const PART_KEPT = "The part that came is kept: the same command goes on from there.";

const modelRoutes = (): RouteMap<CommandContext> =>
  buildRouteMap<string>({
    docs: { brief: "Models: find, fetch, load, remove" },
    routes: {
      search: operation("model_search", {
        positional: ["query"],
        render: models.renderFound,
        examples: [{ input: '"qwen2.5 0.5b instruct"', brief: "With the sizes, and the hives where it would fit" }],
      }),
      pull: operation("model_download", {
        positional: ["model"],
        render: models.renderPulled,
        afterCancel: PART_KEPT,
        examples: [
          { input: "Qwen/Qwen2.5-0.5B-Instruct-GGUF", brief: "To this machine, in the quantisation that suits most" },
          { input: "Qwen/Qwen2.5-7B-Instruct-GGUF:Q5_K_M --hive attic", brief: "This quantisation, to the hive attic" },
          { input: "file:///data/some-model.gguf", brief: "A file that is on the hive's disk already" },
        ],
      }),
      list: operation("model_list", {
        render: models.renderModels,
        examples: [{ input: "--hive attic", brief: "On the disk of attic; this machine's without it" }],
      }),
      get: operation("model_get", {
        positional: ["id"],
        render: models.renderModel,
        examples: [{ input: "bee-tiny --hive attic", brief: "And the memory it would need on each device" }],
      }),
      rm: operation("model_delete", {
        positional: ["id"],
        render: models.renderRemoved,
        examples: [{ input: "owl --force", brief: "Also when it is loaded: its workers are stopped" }],
      }),
      load: operation("model_load", {
        positional: ["id"],
        render: models.renderLoaded,
        examples: [{ input: "bee-tiny --device cuda:0 --slots 8", brief: "On that GPU, for eight requests at once" }],
      }),
      unload: operation("model_unload", {
        positional: ["id"],
        render: renderMessage,
        examples: [{ input: "owl --hive attic", brief: "Its workers finish first" }],
      }),
      run: operation("model_run", {
        positional: ["model"],
        render: models.renderLoaded,
        afterCancel: PART_KEPT,
        // Left out, the hive is any that fits; this machine's own has no choice.
        complete: async (input, flags: Flags) => (isLocal(flags) ? { ...input, hive_id: "localhost" } : input),
        examples: [{ input: "Qwen/Qwen2.5-0.5B-Instruct-GGUF", brief: "Fetched and loaded where it fits best" }],
      }),
    },
  });
