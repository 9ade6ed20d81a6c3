import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname } from "node:path";
import { buildCommand, buildRouteMap, type CommandContext, type RouteMap } from "@stricli/core";
import { confirmationPage, parseRbeeLink } from "@rbee/contracts";
import { commonFlags, type CommonFlags } from "../common-flags.ts";
import { fail } from "../failure.ts";
import { queenAddress } from "../queen-address.ts";
import { printData, say } from "../terminal/output.ts";
import { openInBrowser } from "./browser.ts";
import { confirmAndRun } from "./confirm.ts";
import { registrationFor, type Registration } from "./registration.ts";

interface OpenFlags extends CommonFlags {
  readonly terminal?: boolean | undefined;
}

const open = buildCommand<OpenFlags, [string]>({
  docs: {
    brief: "Show what a link asks for, and do it once you confirm",
    fullDescription:
      "Opens the queen's page about the link, or asks in the terminal where there is no browser. Nothing happens before you confirm.",
    customUsage: [
      { input: '"rbee://install/model?id=Qwen/Qwen2.5-0.5B-Instruct-GGUF"', brief: "A model, fetched and loaded" },
      {
        input: '--terminal "rbee://install/worker?type=cuda-llm-worker&hive=attic"',
        brief: "An engine, asked for here",
      },
    ],
  },
  parameters: {
    flags: {
      terminal: {
        kind: "boolean",
        optional: true,
        withNegated: false,
        brief: "Ask here, also where there is a browser",
      },
      ...commonFlags,
    },
    positional: {
      kind: "tuple",
      parameters: [{ brief: "Link", placeholder: "rbee://…", parse: String }],
    },
  },
  func: async (flags, text) => {
    const link = parseRbeeLink(text);
    if (link === undefined)
      throw fail("invalid_input", "that is not a link of ours", "It looks like rbee://install/model?id=org/repo.");
    const page = confirmationPage(queenAddress(flags).url, link);
    if (flags.terminal === true || !(await openInBrowser(page))) return confirmAndRun(flags, link);
    if (flags.quiet !== true) say(`Opened ${page}`);
  },
});

/** This keeper, as a desktop starts it. */
const ownCommand = (): string[] => [process.execPath, process.argv[1] ?? ""];

function ownRegistration(): Registration {
  const { platform, env } = process;
  const found = registrationFor({ platform, home: homedir(), dataHome: env["XDG_DATA_HOME"], command: ownCommand() });
  if (found !== undefined) return found;
  throw fail("unsupported", `nobody knows how links are registered on ${platform}`);
}

/** Programs that are not there leave the rest as it is: what they do may come later, at the next login. */
function runAll(programs: Registration["run"]): void {
  for (const [program, ...args] of programs) {
    const { error, status } = spawnSync(program, args, { stdio: "ignore" });
    if (error !== undefined || status !== 0) say(`${program} could not be run, which may be needed for it to work`);
  }
}

const noFlags = { flags: {} } as const;

/** `rbee links …`: one click in a browser. */
export const linkRoutes: RouteMap<CommandContext> = buildRouteMap<string>({
  docs: { brief: "rbee:// links: open them, and let this computer open them" },
  routes: {
    open,
    register: buildCommand({
      docs: {
        brief: "Let this computer open rbee:// links with rbee",
        fullDescription:
          "Lets this computer open rbee:// links with rbee: on Linux by a desktop entry, on macOS by a small application, on Windows by keys of the registry. Tests click a link on Linux; nobody has yet on the other two.",
        customUsage: [{ input: "", brief: "For you only, no rights needed" }],
      },
      parameters: noFlags,
      func: () => {
        const { files, run } = ownRegistration();
        for (const { path, text, mode } of files) {
          mkdirSync(dirname(path), { recursive: true });
          writeFileSync(path, text, { mode });
          printData(`Wrote ${path}`);
        }
        runAll(run);
        printData("rbee:// links open with rbee, which asks before anything happens.");
      },
    }),
    unregister: buildCommand({
      docs: { brief: "Undo that", customUsage: [{ input: "", brief: "Removes what register wrote" }] },
      parameters: noFlags,
      func: () => {
        const { undo } = ownRegistration();
        runAll(undo.run);
        for (const path of undo.remove) rmSync(path, { recursive: true, force: true });
        printData("rbee:// links are nobody's again.");
      },
    }),
  },
});
