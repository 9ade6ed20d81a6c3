import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";

const STOP_GRACE_MS = 8_000;
const START_WAIT_MS = 60_000;
const STDERR_CHARS = 4_000;

/** A process of the fleet under test, and what it last complained about. */
export class Process {
  readonly child: ChildProcess;
  readonly #name: string;
  #stderr = "";

  constructor(name: string, args: readonly string[], env: Readonly<Record<string, string>>) {
    this.#name = name;
    this.child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", ...args], {
      stdio: ["pipe", "pipe", "pipe", "ipc"],
      env: { ...process.env, ...env },
    });
    this.child.stderr?.on("data", (chunk: Buffer) => {
      this.#stderr = (this.#stderr + chunk.toString()).slice(-STDERR_CHARS);
    });
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  /** The first line it prints. */
  async line(): Promise<string> {
    const lines = createInterface({ input: this.child.stdout ?? process.stdin });
    const [line] = (await this.#inTime(once(lines, "line"))) as [string];
    return line;
  }

  /** The next thing it sends over IPC. */
  async message(): Promise<unknown> {
    const [message] = await this.#inTime(once(this.child, "message"));
    return message;
  }

  async stop(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const gone = once(this.child, "exit");
    this.child.kill("SIGTERM");
    const over = new AbortController();
    await Promise.race([gone, delay(STOP_GRACE_MS, undefined, { signal: over.signal }).catch(() => undefined)]);
    over.abort();
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill("SIGKILL");
  }

  async #inTime<T>(event: Promise<T>): Promise<T> {
    const over = new AbortController();
    const { signal } = over;
    const failed = (why: string) => new Error(`the ${this.#name} ${why}\n${this.#stderr}`);
    const late = delay(START_WAIT_MS, undefined, { signal }).then(() => Promise.reject(failed("took too long")));
    const died = once(this.child, "exit", { signal }).then(() => Promise.reject(failed("ended")));
    // Whoever loses the race is told to stop waiting, which is no failure.
    late.catch(() => undefined);
    died.catch(() => undefined);
    try {
      return await Promise.race([event, late, died]);
    } finally {
      over.abort();
    }
  }
}
