import { buildApplication, buildRouteMap, text_en, type Application, type CommandContext } from "@stricli/core";
import { errorCodes, errors } from "@rbee/contracts";
import { operationRoutes } from "./commands/catalog.ts";
import { chatCommand } from "./commands/chat.ts";
import { completionCommand } from "./commands/completion/command.ts";
import { inferCommand } from "./commands/infer.ts";
import { jobRoutes } from "./commands/jobs.ts";
import { contextRoutes, loginCommand, logoutCommand } from "./commands/login.ts";
import { exitCodeOf, exitMeanings, formatFailure, formatUsage } from "./failure.ts";
import { linkRoutes } from "./links/command.ts";
import { topCommand } from "./top/command.ts";
import { upCommand } from "./up/command.ts";

/** The whole command line. */
export function buildKeeper(version: string): Application<CommandContext> {
  const { run, ...routes } = operationRoutes();
  const root = buildRouteMap<string>({
    docs: {
      // It would fill the screen with names.
      hideRoute: { run: true },
      brief: "One endpoint over all the GPUs you own",
      fullDescription: [
        "One endpoint over all the GPUs you own.",
        "",
        "  rbee up                               a queen and a hive on this machine",
        '  rbee infer "Tell me about bees"       text from a model, as it comes',
        "  rbee models pull Qwen/Qwen2.5-0.5B-Instruct-GGUF",
        "                                        a model from the hub, with a bar; Ctrl-C keeps the part",
        "  rbee status                           hives, workers, queue; `rbee top` watches them live",
        "  rbee login https://rbee.example.com   a queen elsewhere; `rbee context` for several",
        "  rbee --hive local workers ps          this machine's own hive, with no queen in reach",
        "  rbee workers spawn --help             what a command takes, and examples",
        "  rbee run --help                       every operation by its wire name",
        "",
        "Talks to the queen of --url and --key or --context, of RBEE_URL and RBEE_API_KEY, of the context in use,",
        "or of the last `rbee up`. NO_COLOR turns colours off.",
        "",
        ...exitCodes(),
      ].join("\n"),
    },
    routes: {
      up: upCommand(),
      infer: inferCommand(),
      chat: chatCommand(),
      ...routes,
      top: topCommand(),
      jobs: jobRoutes,
      login: loginCommand(),
      logout: logoutCommand(),
      context: contextRoutes,
      links: linkRoutes,
      ...(run === undefined ? {} : { run }),
      completion: completionCommand(),
    },
  });
  return buildApplication(root, {
    name: "rbee",
    versionInfo: { currentVersion: version },
    scanner: { allowArgumentEscapeSequence: true },
    documentation: { onlyRequiredInUsageLine: true },
    determineExitCode: exitCodeOf,
    localization: {
      text: {
        ...text_en,
        exceptionWhileParsingArguments: formatUsage,
        exceptionWhileRunningCommand: formatFailure,
        noCommandRegisteredForInput: ({ input, corrections, ansiColor }) =>
          formatUnknown(input, corrections, ansiColor),
      },
    },
  });
}

/** What the exit codes mean, read from the errors table. */
function exitCodes(): string[] {
  const codes = Object.groupBy(errorCodes, (code) => errors[code].exit);
  const lines = Object.entries(codes).map(
    ([exit, names]) => `  ${exit.padEnd(4)}${exitMeanings[Number(exit)] ?? names.join(", ")}`,
  );
  return ["Exit codes:", "  0   done", ...lines];
}

function formatUnknown(input: string, corrections: readonly string[], colours: boolean): string {
  const guess = corrections.length === 0 ? "" : `; did you mean ${corrections.join(" or ")}?`;
  return formatUsage(new Error(`there is no command ${JSON.stringify(input)}${guess}`), colours);
}
