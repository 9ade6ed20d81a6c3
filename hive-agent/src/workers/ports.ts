import { limits, RbeeError } from "@rbee/contracts";
import { createServer } from "node:net";

const allPorts = Array.from(
  { length: limits.worker_port_max - limits.worker_port_min + 1 },
  (_, index) => limits.worker_port_min + index,
);

/** Worker ports of this process. A reserved port is not handed out again, so two starts at once never meet on one. [WORK-1] */
export class WorkerPorts {
  readonly #reserved = new Set<number>();

  /** `except`: ports that turned out to be taken; `preferred` is tried first. @throws RbeeError no_free_port */
  async reserve(except: ReadonlySet<number>, preferred?: number): Promise<number> {
    for (const port of [...(preferred === undefined ? [] : [preferred]), ...allPorts]) {
      if (this.#reserved.has(port) || except.has(port)) continue;
      this.#reserved.add(port);
      if (await isFree(port)) return port;
      this.#reserved.delete(port);
    }
    throw new RbeeError("no_free_port", `ports ${limits.worker_port_min} to ${limits.worker_port_max} are all taken`);
  }

  /** The port of a worker that runs already. */
  claim(port: number): void {
    this.#reserved.add(port);
  }

  release(port: number): void {
    this.#reserved.delete(port);
  }
}

/** Somebody else may still take it before the worker does; then the worker says so, and the next one is tried. */
function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once("error", () => resolve(false));
    probe.listen({ port, host: "127.0.0.1", exclusive: true }, () => probe.close(() => resolve(true)));
  });
}
