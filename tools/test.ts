import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

/** `npm test [-- vitest arguments]`: every test that needs neither GPU nor internet. */
const vitest = fileURLToPath(new URL("../node_modules/vitest/vitest.mjs", import.meta.url));
const reporter = fileURLToPath(new URL("test-reporter.ts", import.meta.url));
const run = spawnSync(
  process.execPath,
  [vitest, "run", "--reporter=default", `--reporter=${reporter}`, ...process.argv.slice(2)],
  { stdio: "inherit", cwd: fileURLToPath(new URL("..", import.meta.url)) },
);
process.exit(run.status ?? 1);
