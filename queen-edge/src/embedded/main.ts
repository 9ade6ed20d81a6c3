import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { uiFolder } from "@rbee/web-ui/build";
import { startQueen, type Secrets } from "./queen.ts";

/** The embedded queen as a process: `--home <dir> --port <n>`; one JSON line on stdout when it serves. */

const PORT_DEFAULT = 7833;

/** Made once, kept 0600: hives and keys stay good over restarts. */
function secretsOf(home: string): Secrets {
  const file = join(home, "secrets.json");
  try {
    return JSON.parse(readFileSync(file, "utf8")) as Secrets;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
  const secrets = {
    secret: randomBytes(32).toString("base64url"),
    api_key: `rbk_${randomBytes(32).toString("base64url")}`,
  };
  writeFileSync(file, JSON.stringify(secrets), { mode: 0o600 });
  return secrets;
}

/** The engine is a process of its own; should it die, this one has nothing left to do and says so by its exit. */
function exitWithEngine(port: number): void {
  const line = connect(port, "127.0.0.1");
  line.on("error", () => undefined);
  line.on("close", () => {
    if (stopping) return;
    const probe = connect(port, "127.0.0.1");
    probe.on("connect", () => (probe.destroy(), exitWithEngine(port)));
    probe.on("error", () => {
      process.stderr.write("the queen's engine died\n");
      process.exit(1);
    });
  });
}

const { values } = parseArgs({ options: { home: { type: "string" }, port: { type: "string" } } });
const home = values.home;
if (home === undefined) throw new Error("--home <dir> is needed");
mkdirSync(home, { recursive: true, mode: 0o700 });

mkdirSync(uiFolder, { recursive: true });
// Beside the queen, who does not wait for it: most starts find it built.
const builder = spawn(process.execPath, [fileURLToPath(import.meta.resolve("@rbee/web-ui/build"))], {
  stdio: ["ignore", 2, 2],
});

let stopping = false;
const secrets = secretsOf(home);
const queen = await startQueen({
  stateDir: join(home, "state"),
  port: Number(values.port ?? PORT_DEFAULT),
  secrets,
  uiFolder,
  hub_url: process.env["HF_ENDPOINT"] || undefined,
});

async function stop(): Promise<void> {
  if (stopping) return;
  stopping = true;
  builder.kill();
  await queen.stop();
  process.exit(0);
}
process.on("SIGINT", () => void stop());
process.on("SIGTERM", () => void stop());
if (process.env["RBEE_EXIT_WITH_PARENT"] === "1") process.stdin.on("end", () => void stop()).resume();
exitWithEngine(queen.port);

process.stdout.write(
  `${JSON.stringify({ event: "ready", queen_url: queen.url, api_key: secrets.api_key, pid: process.pid })}\n`,
);
