import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

/**
 * `npm run figures -- <name> <script> [args]`: runs `npm run <script>`, shows what it prints, keeps the last lines of it as
 * docs/figures/<name>.txt, and shows all of docs/figures in docs/RELIABILITY.md. Without arguments only the latter.
 */
const root = fileURLToPath(new URL("..", import.meta.url));
const folder = `${root}docs/figures/`;
const page = `${root}docs/RELIABILITY.md`;
const BEGIN = "<!-- figures -->";
const END = "<!-- /figures -->";
const LINES_KEPT = 60;
const KEPT_MAX = 65_536;

async function record(name: string, script: string, args: readonly string[]): Promise<number> {
  const words = [script, ...(args.length > 0 ? ["--", ...args] : [])];
  const child = spawn("npm", ["run", "--silent", ...words], { cwd: root, stdio: ["ignore", "pipe", "inherit"] });
  // Shown as it comes: some take an hour, and say early what is wrong.
  let said = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    process.stdout.write(text);
    said = (said + text).slice(-KEPT_MAX);
  });
  const [status] = (await once(child, "close")) as [number | null];
  const lines = said.trimEnd().split("\n").slice(-LINES_KEPT);
  writeFileSync(`${folder}${name}.txt`, `$ npm run ${words.join(" ")}\n${lines.join("\n")}\n`);
  return status ?? 1;
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
const status = name === undefined || script === undefined ? 0 : await record(name, script, args);
writeFileSync(page, withFigures(readFileSync(page, "utf8")));
process.exitCode = status;
