import { run } from "@stricli/core";
import manifest from "../package.json" with { type: "json" };
import { buildKeeper } from "./app.ts";
import { answerCompletion } from "./commands/completion.ts";
import { exitCodeForShell } from "./failure.ts";

/** Runs one command line and gives its exit code. */
export async function runKeeper(args: readonly string[]): Promise<number> {
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
