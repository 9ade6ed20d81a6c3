// Runs one script of this project on the Node it needs, installing what is missing first.
// Plain JavaScript on purpose: it must start on any Node >= 20, before anything is installed.
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { constants } from "node:os";
import { delimiter, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const NODE_MAJOR_MIN = 24;
const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");
const stampFile = join(root, "node_modules", ".rbee-installed");

function installMissing() {
  const lock = createHash("sha256")
    .update(readFileSync(join(root, "package-lock.json")))
    .digest("hex");
  const stamp = `${lock} ${process.platform}-${process.arch}`;
  if (existsSync(stampFile) && readFileSync(stampFile, "utf8") === stamp) return;
  process.stderr.write("Installing dependencies (about a minute, once)…\n");
  // Not `npm ci`: it refuses a lockfile that was written where some platforms' packages could not be had.
  // stdout stays clean: `npm start -- --json` must print JSON only.
  const npm = spawnSync("npm", ["install", "--no-save", "--no-audit", "--no-fund", "--loglevel=error"], {
    cwd: root,
    stdio: ["ignore", 2, 2],
    shell: process.platform === "win32",
  });
  if (npm.status !== 0) {
    process.stderr.write("npm install failed: see the lines above, then run the same command again.\n");
    process.exit(npm.status ?? 1);
  }
  writeFileSync(stampFile, stamp);
}

/** Real Node binaries are npm packages, one per platform; npm installed the one that fits. */
function findNode() {
  if (Number(process.versions.node.split(".")[0]) >= NODE_MAJOR_MIN) return process.execPath;
  const binary = process.platform === "win32" ? "bin/node.exe" : "bin/node";
  const require = createRequire(join(root, "package.json"));
  const platform = process.platform === "win32" ? "win" : process.platform;
  for (const name of [`node-${platform}-${process.arch}`, `node-bin-${platform}-${process.arch}`]) {
    try {
      return join(dirname(require.resolve(`${name}/package.json`)), binary);
    } catch {
      // Not the package of this platform.
    }
  }
  process.stderr.write(
    `Node ${process.versions.node} is too old here: install Node ${NODE_MAJOR_MIN} and run this again.\n`,
  );
  process.exit(1);
}

installMissing();
const node = findNode();
const [script, ...args] = process.argv.slice(2);
const child = spawn(node, ["--disable-warning=ExperimentalWarning", join(root, script), ...args], {
  stdio: "inherit",
  env: { ...process.env, PATH: `${dirname(node)}${delimiter}${process.env.PATH ?? ""}` },
});
// A terminal sends Ctrl-C to the whole group; only signals meant for this process alone are passed on.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
  process.on(signal, () => (signal === "SIGINT" && process.stdin.isTTY ? undefined : child.kill(signal)));
}
child.on("exit", (code, signal) => process.exit(code ?? 128 + (constants.signals[signal] ?? 0)));
