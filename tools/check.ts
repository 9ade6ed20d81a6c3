import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { styleText } from "node:util";

/** `npm run check`: types, lint with the dependency direction, format, dead code. `--fix` repairs what can be. */
const root = fileURLToPath(new URL("..", import.meta.url));
const fix = process.argv.includes("--fix");

const steps: readonly [name: string, command: string, args: readonly string[]][] = [
  ...["contracts", "job-core", "job-http", "sdk", "queen-edge", "sim", "web-ui", "."].map(
    (project) => [`types ${project}`, "tsc", ["-p", project]] as [string, string, string[]],
  ),
  ["lint", "oxlint", fix ? ["--fix"] : []],
  ["format", "oxfmt", fix ? [] : ["--check"]],
  ["reference", "references", fix ? [] : ["--check"]],
  ["dead code", "knip", ["--no-progress"]],
];

let failed = 0;
for (const [name, command, args] of steps) {
  const run = spawnSync(process.execPath, [bin(command), ...args], { cwd: root, encoding: "utf8" });
  const ok = run.status === 0;
  process.stdout.write(`${ok ? styleText("green", "ok  ") : styleText("red", "FAIL")} ${name}\n`);
  if (ok) continue;
  failed++;
  process.stdout.write(`${run.stdout}${run.stderr}\n`);
}
process.exit(failed === 0 ? 0 : 1);

function bin(command: string): string {
  if (command === "references") return fileURLToPath(new URL("references.ts", import.meta.url));
  const file = {
    tsc: "typescript/bin/tsc",
    oxlint: "oxlint/bin/oxlint",
    oxfmt: "oxfmt/bin/oxfmt",
    knip: "knip/bin/knip.js",
  }[command];
  return fileURLToPath(new URL(`../node_modules/${file ?? command}`, import.meta.url));
}
