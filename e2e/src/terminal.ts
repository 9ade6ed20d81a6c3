import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

/** A real terminal: tmux draws into one of its own, which a test can type into and read. */

/** The keeper, as a command line begins. */
export const keeper = [
  process.execPath,
  fileURLToPath(new URL("../../keeper-cli/src/main.ts", import.meta.url)),
] as const;
const LOOK_EVERY_MS = 100;
/** Starting a process on a busy machine is what takes long. */
const SHOWN_WITHIN_MS = 40_000;

export const hasTmux = spawnSync("tmux", ["-V"]).status === 0;
if (!hasTmux) process.stdout.write("skipped: what draws on a terminal, since there is no tmux\n");

let terminals = 0;

interface Where {
  readonly columns?: number;
  readonly rows?: number;
  readonly folder?: string;
}

export class Terminal {
  readonly #socket = `rbee-${process.pid}-${++terminals}`;

  /** Runs a command; what it leaves behind stays to be read, and below it `CODE <n>`. */
  constructor(
    command: readonly string[],
    env: Readonly<Record<string, string>>,
    { columns = 80, rows = 24, folder = "." }: Where = {},
  ) {
    const words = command.map((word) => `'${word}'`).join(" ");
    const variables = Object.entries(env).flatMap(([name, value]) => ["-e", `${name}=${value}`]);
    const shell = `${words}; echo CODE $?; cat`;
    this.#tmux(
      "-f",
      "/dev/null",
      "new-session",
      "-d",
      "-c",
      folder,
      "-x",
      String(columns),
      "-y",
      String(rows),
      ...variables,
      shell,
    );
  }

  get screen(): string {
    return this.#tmux("capture-pane", "-p");
  }

  /** The same with the sequences that colour it. */
  get coloured(): string {
    return this.#tmux("capture-pane", "-p", "-e");
  }

  /** Waits until the screen shows it; a failure says what it showed instead. */
  async shows(pattern: RegExp): Promise<string> {
    const until = performance.now() + SHOWN_WITHIN_MS;
    for (;;) {
      const { screen } = this;
      if (pattern.test(screen)) return screen;
      if (performance.now() > until) throw new Error(`the terminal does not show ${pattern}, but\n${screen}`);
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
    }
  }

  type(...keys: readonly string[]): void {
    this.#tmux("send-keys", ...keys);
  }

  resize(columns: number, rows: number): void {
    this.#tmux("resize-window", "-x", String(columns), "-y", String(rows));
  }

  close(): void {
    this.#tmux("kill-server");
  }

  #tmux(...args: readonly string[]): string {
    const { stdout, stderr, status } = spawnSync("tmux", ["-L", this.#socket, ...args], { encoding: "utf8" });
    if (status !== 0) throw new Error(`tmux ${args[0]}: ${stderr}`);
    return stdout;
  }
}
