import { run } from "@stricli/core";
import manifest from "../package.json" with { type: "json" };
import { buildKeeper } from "./app.ts";
import { answerCompletion } from "./commands/completion/command.ts";
import { exitCodeForShell } from "./failure.ts";

/** Runs one command line and gives its exit code. */
export async function runKeeper(typed: readonly string[]): Promise<number> {
  const args = hiveLast(typed);
  const { stdout, stderr, env } = process;
  // Whoever reads our output may leave (`| head`): commands stop what they started, nobody shows a stack trace.
  stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
  });
  const app = buildKeeper(manifest.version);
  if (args[0] === "complete" && args[1] === "--") {
    await answerCompletion(app, args.slice(2));
    return 0;
  }
  const shell: { exitCode?: number | string | null } = {};
  await run(app, args, { process: Object.assign(shell, { stdout, stderr, env }) });
  return exitCodeForShell(shell.exitCode);
}

/** `rbee --hive local models list`: said first it reads well, and the parser takes flags behind the command only. */
function hiveLast(args: readonly string[]): readonly string[] {
  const [first = "", second] = args;
  const taken = first === "--hive" && second !== undefined ? 2 : first.startsWith("--hive=") ? 1 : 0;
  if (taken === 0) return args;
  const rest = args.slice(taken);
  // Behind `--` there are no flags any more.
  const end = rest.includes("--") ? rest.indexOf("--") : rest.length;
  return [...rest.slice(0, end), ...args.slice(0, taken), ...rest.slice(end)];
}
