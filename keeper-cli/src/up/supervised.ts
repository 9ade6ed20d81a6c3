import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { getCompileCacheDir } from "node:module";
import { createInterface } from "node:readline";
import type { LogFile } from "./log-file.ts";

export interface ChildSpec {
  /** The program, a file that Node runs. */
  readonly entry: string;
  /** Asked before every start, since a restart may need other ones. */
  readonly args: () => readonly string[];
  /** Secrets go here, never into the arguments that everyone on the machine can read. */
  readonly env: () => Promise<Readonly<Record<string, string>>>;
  readonly log: LogFile;
  /** A line of JSON that the child wrote. */
  readonly onEvent: (event: Readonly<Record<string, unknown>>) => void;
  /** It ended and nobody asked it to; it is started again after `delayMs`. */
  readonly onDeath: (how: string, delayMs: number) => void;
}

const restart_delay_ms = 200;
const restart_delay_ms_max = 5_000;
/** A child that ran this long was well: the next restart is a quick one again. */
const stable_ms = 30_000;
/** How long a child may take to stop before it is killed: it has workers of its own to stop. */
const stop_wait_ms = 8_000;

/** A child process that is started again whenever it dies, until it is told to stop. */
export class Supervised {
  readonly #spec: ChildSpec;
  #child: ChildProcess | undefined;
  #stopping = false;
  #failures = 0;
  #restart: NodeJS.Timeout | undefined;

  constructor(spec: ChildSpec) {
    this.#spec = spec;
  }

  async start(): Promise<void> {
    const { entry, args, env, log, onEvent } = this.#spec;
    const secrets = await env();
    if (this.#stopping) return;
    const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", entry, ...args()], {
      // A group of its own: Ctrl-C reaches us alone, and we stop things in order.
      detached: process.platform !== "win32",
      stdio: ["pipe", "pipe", "pipe"],
      // Its stdin closes when we end, however we end; then it ends too.
      env: { ...process.env, ...secrets, RBEE_EXIT_WITH_PARENT: "1", NODE_COMPILE_CACHE: getCompileCacheDir() },
    });
    this.#child = child;
    const startedAt = Date.now();
    child.on("error", (error) => log.write(`${error.message}\n`));
    child.stderr.setEncoding("utf8").on("data", (text: string) => log.write(text));
    createInterface({ input: child.stdout }).on("line", (line) => {
      const event = parseEvent(line);
      if (event !== undefined) onEvent(event);
    });
    // The queen's engine outlives a queen that was killed, and would hold its port.
    child.on("exit", () => killGroup(child));
    child.on("close", (code, signal) => this.#closed(signal ?? `exit code ${code}`, Date.now() - startedAt));
  }

  /** Asks the child to stop, waits, and kills it with everything it started if it does not. */
  async stop(): Promise<void> {
    this.#stopping = true;
    clearTimeout(this.#restart);
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const closed = once(child, "close");
    const timer = setTimeout(() => killGroup(child), stop_wait_ms);
    child.kill("SIGTERM");
    await closed;
    clearTimeout(timer);
  }

  #closed(how: string, ranMs: number): void {
    if (this.#stopping) return;
    this.#failures = ranMs > stable_ms ? 1 : this.#failures + 1;
    const delayMs = Math.min(restart_delay_ms * 2 ** (this.#failures - 1), restart_delay_ms_max);
    this.#spec.onDeath(how, delayMs);
    if (this.#stopping) return;
    this.#restart = setTimeout(() => {
      // What a start needs may come from a queen that is just restarting: then that was one more failure.
      this.start().catch((error: unknown) => this.#closed(error instanceof Error ? error.message : String(error), 0));
    }, delayMs);
  }
}

/** The child with everything it started; a hive's workers are not of its group, the hive finds them again. */
function killGroup(child: ChildProcess): void {
  try {
    if (child.pid !== undefined && process.platform !== "win32") process.kill(-child.pid, "SIGKILL");
    else child.kill("SIGKILL");
  } catch {
    // Nobody is left.
  }
}

function parseEvent(line: string): Record<string, unknown> | undefined {
  try {
    const event: unknown = JSON.parse(line);
    return typeof event === "object" && event !== null ? (event as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
