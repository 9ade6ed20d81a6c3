import { generateHelpTextForAllCommands } from "@stricli/core";
import { buildKeeper } from "./app.ts";

const NAME = "rbee ";

/** Every command there is, as it is typed; those by wire name are one. */
export const commandNames = (): string[] => [
  ...new Set(
    generateHelpTextForAllCommands(buildKeeper("0")).map(([name]) => name.slice(NAME.length).replace(/^run .*/, "run")),
  ),
];

/** docs/CLI.md: the help of every command, as the command line prints it. */
export function cliReference(): string {
  const commands = generateHelpTextForAllCommands(buildKeeper("0"));
  // The wire names repeat what stands under the nouns.
  const shown = commands.filter(([name]) => !name.startsWith("rbee run ") && !name.startsWith("rbee completion "));
  const parts = shown.map(
    ([name, help]) => `## ${name}\n\n\`\`\`text\n${help.replaceAll(/[ \t]+$/gm, "").trimEnd()}\n\`\`\``,
  );
  return (
    ["# rbee, command by command", "Written by `node tools/references.ts` from the command line itself.", ...parts, ""]
      .join("\n\n")
      .trimEnd() + "\n"
  );
}
