import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const main = fileURLToPath(new URL("../src/main.ts", import.meta.url));
export const home = mkdtempSync(join(tmpdir(), "rbee-keeper-"));

export interface Ended {
  readonly out: string;
  readonly err: string;
  readonly code: number | null;
}

/** The keeper as a process of its own. */
export class Rbee {
  readonly child;
  out = "";
  err = "";
  readonly #moved = new Set<() => void>();
  readonly #ended: Promise<[number | null]>;

  constructor(args: readonly string[], env: Record<string, string>) {
    this.child = spawn(process.execPath, [main, ...args], {
      env: { PATH: process.env["PATH"], RBEE_HOME: home, ...env },
    });
    this.child.stdout.setEncoding("utf8").on("data", (text: string) => this.#add("out", text));
    this.child.stderr.setEncoding("utf8").on("data", (text: string) => this.#add("err", text));
    // It may have ended before anybody waits for that.
    this.#ended = once(this.child, "close") as Promise<[number | null]>;
  }

  #add(stream: "out" | "err", text: string): void {
    this[stream] += text;
    for (const wake of this.#moved) wake();
  }

  async printed(text: string): Promise<void> {
    while (!this.out.includes(text)) await new Promise<void>((resolve) => this.#moved.add(resolve));
  }

  async ended(): Promise<Ended> {
    const [code] = await this.#ended;
    return { out: this.out, err: this.err, code };
  }
}
