import { readFileSync } from "node:fs";
import { script as powershellScript } from "@bomb.sh/tab";
import type { AddressFlags } from "../../queen-address.ts";
import { printData } from "../../terminal/output.ts";
import type { CompletionContext } from "../live-values.ts";
import { buildCommand, proposeCompletions, type Application, type Command, type CommandContext } from "@stricli/core";

const shells = ["bash", "zsh", "fish", "powershell"] as const;
type Shell = (typeof shells)[number];

/** `rbee completion zsh`: a script for the shell, which then asks `rbee complete -- words…`. */
export const completionCommand = (): Command<CommandContext> =>
  buildCommand<Readonly<Record<string, unknown>>, [Shell]>({
    docs: {
      brief: "Print a script that completes commands in your shell",
      customUsage: [
        { input: "zsh > ~/.zfunc/_rbee", brief: "For zsh, with ~/.zfunc in fpath" },
        { input: "bash > ~/.local/share/bash-completion/completions/rbee", brief: "For bash" },
      ],
    },
    parameters: {
      flags: {},
      positional: { kind: "tuple", parameters: [{ brief: "Shell", placeholder: shells.join("|"), parse: parseShell }] },
    },
    func: (_, shell) => {
      // The library's other scripts evaluate what is typed, and stumble over the colons in models' names.
      if (shell === "powershell") return powershellScript(shell, "rbee", "rbee");
      printData(readFileSync(new URL(`rbee.${shell}`, import.meta.url), "utf8"));
    },
  });

function parseShell(text: string): Shell {
  const shell = shells.find((known) => known === text);
  if (shell === undefined) throw new SyntaxError(`one of ${shells.join(", ")}`);
  return shell;
}

/** Directive of the protocol of PowerShell's script: do not fall back to file names. */
const NO_FILES = ":4";

/** Answers a completion script: a proposal a line, `word<tab>description`. */
export async function answerCompletion(app: Application<CommandContext>, words: readonly string[]): Promise<void> {
  const { stdout, stderr } = process;
  const context: CompletionContext = { process: { stdout, stderr }, address: addressIn(words) };
  const proposals = await proposeCompletions(app, words, context);
  const lines = proposals.map(({ completion, brief }) => `${completion}\t${brief}`);
  stdout.write([...lines, NO_FILES, ""].join("\n"));
}

/** Whom the command line will talk to, as far as it is typed. */
function addressIn(words: readonly string[]): AddressFlags {
  const said = (flag: string): string | undefined => {
    const at = words.indexOf(flag);
    // The last word is still being typed.
    return at < 0 || at + 2 >= words.length ? undefined : words[at + 1];
  };
  return { url: said("--url"), key: said("--key"), context: said("--context"), hive: said("--hive") };
}
