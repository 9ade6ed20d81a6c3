import { once } from "node:events";
import { statSync } from "node:fs";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { createAdaptorServer } from "@hono/node-server";
import { limits, type Inventory } from "@rbee/contracts";
import type { Clock } from "../clock.ts";
import type { HiveHandlers } from "../jobs/handler.ts";
import type { Log } from "../log.ts";
import { openDatabase } from "../storage/open.ts";
import { LocalAccess } from "./access.ts";
import { localRunnable, localState, type LocalDeps } from "./answers.ts";
import { localApp } from "./app.ts";
import { Heartbeats } from "./heartbeats.ts";
import { LocalJobs } from "./local-jobs.ts";

export interface LocalOptions {
  readonly hive_id: string;
  readonly home: string;
  /** 0 = any free one. */
  readonly port: number;
  readonly handlers: HiveHandlers;
  readonly inventory: () => Inventory;
  /** Generations that run on a worker. */
  readonly activeOn: (worker_id: string) => number;
  readonly clock: Clock;
  readonly log: Log;
  readonly boot: string;
}

const HOST = "127.0.0.1";

/** What this machine can be asked for without a queen: jobs of its own, over HTTP on the loopback address. */
export class LocalServer {
  readonly jobs: LocalJobs;
  readonly #options: LocalOptions;
  readonly #access: LocalAccess;
  readonly #heartbeats: Heartbeats;
  readonly #close: () => void;
  #server: Server | undefined;

  constructor(options: LocalOptions) {
    const { home, hive_id, handlers, log, clock, boot } = options;
    this.#options = options;
    this.#access = new LocalAccess(home);
    const sql = openDatabase(join(home, "local.db"), log);
    this.#close = () => sql.close();
    const enrolled_at = Math.floor(statSync(join(home, "credential.json"), { throwIfNoEntry: false })?.mtimeMs ?? 0);
    const self: LocalDeps = {
      hive_id,
      enrolled_at,
      handlers,
      inventory: options.inventory,
      activeOn: options.activeOn,
      jobsRunning: () => this.jobs.running,
    };
    const runnable = localRunnable(self);
    this.#heartbeats = new Heartbeats(() => localState(self, this.jobs.newest(limits.heartbeat_jobs_max)));
    this.jobs = new LocalJobs({ hive_id, sql, clock, log, boot, runnable });
  }

  /** Goes on with the jobs that are there, and listens. A port that is taken costs the agent nothing but this. */
  async start(): Promise<void> {
    const { hive_id, port, log } = this.#options;
    this.jobs.resume();
    const { fetch } = localApp({ hive_id, access: this.#access, jobs: this.jobs, heartbeats: this.#heartbeats });
    const server = createAdaptorServer({ fetch }) as Server;
    try {
      server.listen(port, HOST);
      await once(server, "listening");
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      const why = code === "EADDRINUSE" ? "is taken" : `cannot be used (${code})`;
      log.warn(`port ${port} ${why}: no local server; choose another one with --local-port`);
      return;
    }
    this.#server = server;
    const url = `http://${HOST}:${(server.address() as AddressInfo).port}`;
    this.#access.announce(url);
    log.info("local server", { url });
  }

  /** Where it listens, if it does. */
  get url(): string | undefined {
    const address = this.#server?.address() as AddressInfo | null | undefined;
    return address === undefined || address === null ? undefined : `http://${HOST}:${address.port}`;
  }

  /** Lets go of sockets and jobs; what runs is left for the next agent. */
  close(): void {
    this.jobs.halt();
    if (this.#server !== undefined) this.#access.withdraw();
    this.#server?.close();
    this.#server?.closeAllConnections();
    this.#close();
  }
}
