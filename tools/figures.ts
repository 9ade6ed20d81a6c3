import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

/**
 * `npm run figures -- <name> <script> [args]`: runs `npm run <script>`, keeps the last lines it prints as
 * docs/figures/<name>.txt, and shows all of docs/figures in docs/RELIABILITY.md. Without arguments only the latter.
 */
const root = fileURLToPath(new URL("..", import.meta.url));
const folder = `${root}docs/figures/`;
const page = `${root}docs/RELIABILITY.md`;
const BEGIN = "<!-- figures -->";
const END = "<!-- /figures -->";
const LINES_KEPT = 60;
const OUTPUT_BYTES_MAX = 64 * 1024 * 1024;

function record(name: string, script: string, args: readonly string[]): number {
  const said = spawnSync("npm", ["run", "--silent", script, ...(args.length > 0 ? ["--", ...args] : [])], {
    cwd: root,
    encoding: "utf8",
    maxBuffer: OUTPUT_BYTES_MAX,
    stdio: ["ignore", "pipe", "inherit"],
  });
  const lines = said.stdout.trimEnd().split("\n").slice(-LINES_KEPT);
  const command = ["npm run", script, ...(args.length > 0 ? ["--", ...args] : [])].join(" ");
  writeFileSync(`${folder}${name}.txt`, `$ ${command}\n${lines.join("\n")}\n`);
  return said.status ?? 1;
}

/** The page with the figures as they are kept now. */
function withFigures(text: string): string {
  const blocks = readdirSync(folder)
    .filter((file) => file.endsWith(".txt"))
    .toSorted()
    .map((file) => `\`\`\`\n${readFileSync(folder + file, "utf8").trimEnd()}\n\`\`\`\n`);
  const [before = "", rest = ""] = text.split(BEGIN);
  const [, after = ""] = rest.split(END);
  return `${before}${BEGIN}\n\n${blocks.join("\n")}\n${END}${after}`;
}

const [name, script, ...args] = process.argv.slice(2);
const status = name === undefined || script === undefined ? 0 : record(name, script, args);
writeFileSync(page, withFigures(readFileSync(page, "utf8")));
process.exitCode = status;
