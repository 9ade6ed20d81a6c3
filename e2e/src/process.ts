import { spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../", import.meta.url));

type Event = Readonly<Record<string, unknown>> & { readonly event: string };

/** A program of the house as a real process: it says JSON lines on stdout, and can be killed. */
export class Program {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #events: Event[] = [];
  readonly #waiting = new Map<string, ((event: Event) => void)[]>();
  readonly exited: Promise<number | null>;
  /** Resolves when there is no more to hear, which may be a moment after the process has ended. */
  readonly #silent: Promise<unknown>;
  stderr = "";

  constructor(script: string, args: readonly string[], env: Record<string, string> = {}) {
    this.#child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", script, ...args], {
      cwd: root,
      stdio: ["pipe", "pipe", "pipe"],
      env: { ...process.env, RBEE_THREADS: "1", RBEE_EXIT_WITH_PARENT: "1", ...env },
    });
    this.exited = new Promise((resolve) => this.#child.once("exit", resolve));
    this.#child.stderr.setEncoding("utf8").on("data", (text: string) => (this.stderr += text));
    const lines = createInterface({ input: this.#child.stdout });
    lines.on("line", (line) => this.#hear(JSON.parse(line) as Event));
    this.#silent = once(lines, "close");
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** The next event of that name, or the one that came already. Fails when the process ends first. */
  async said(name: string): Promise<Event> {
    const already = this.#events.find(({ event }) => event === name);
    if (already !== undefined) return already;
    const said = new Promise<Event>((resolve) =>
      this.#waiting.set(name, [...(this.#waiting.get(name) ?? []), resolve]),
    );
    const died = Promise.all([this.exited, this.#silent]).then(([code]) => {
      throw new Error(`exited with ${code} before saying ${name}\n${this.stderr}`);
    });
    return Promise.race([said, died]);
  }

  async kill(signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) this.#child.kill(signal);
    await this.exited;
  }

  #hear(event: Event): void {
    this.#events.push(event);
    for (const waiter of this.#waiting.get(event.event) ?? []) waiter(event);
    this.#waiting.delete(event.event);
  }
}

/** Processes below this one, nearest first. Linux only, as are the tests that kill things. */
export function descendants(pid: number): number[] {
  const children = new Map<number, number[]>();
  for (const entry of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    const parent = parentOf(Number(entry));
    if (parent !== undefined) children.set(parent, [...(children.get(parent) ?? []), Number(entry)]);
  }
  const found: number[] = [];
  for (let next = children.get(pid) ?? []; next.length > 0;) {
    found.push(...next);
    next = next.flatMap((child) => children.get(child) ?? []);
  }
  return found;
}

function parentOf(pid: number): number | undefined {
  try {
    // The name in brackets may hold anything; what follows it is numbers.
    return Number(readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)?.split(" ")[1]);
  } catch {
    return undefined;
  }
}

export const commandOf = (pid: number): string => told(pid, "cmdline");

/** What a process was started with in its environment. */
export const environmentOf = (pid: number): string => told(pid, "environ");

/** Nothing of a process that is gone. */
function told(pid: number, what: "cmdline" | "environ"): string {
  try {
    return readFileSync(`/proc/${pid}/${what}`, "utf8").replaceAll("\0", " ");
  } catch {
    return "";
  }
}

/** The workers of an agent; what it starts for a moment, to look at a device, is none. */
export const workersOf = (agent: number): number[] =>
  descendants(agent).filter((pid) => commandOf(pid).includes("worker/main"));

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

/** What is over by now is left out. */
function signal(pids: readonly number[], name: NodeJS.Signals): void {
  for (const pid of pids) if (isAlive(pid)) process.kill(pid, name);
}

export const freeze = (pids: readonly number[]): void => signal(pids, "SIGSTOP");
export const thaw = (pids: readonly number[]): void => signal(pids, "SIGCONT");
export const killAll = (pids: readonly number[]): void => signal(pids, "SIGKILL");
