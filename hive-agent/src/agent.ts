import { mkdirSync } from "node:fs";
import { hostname } from "node:os";
import { join, resolve } from "node:path";
import { limits, RbeeError } from "@rbee/contracts";
import { systemClock } from "./clock.ts";
import { Deadline } from "./deadline.ts";
import { enrol, loadCredential, type Credential } from "./credential.ts";
import { bootId } from "./jobs/boot.ts";
import { HiveLink } from "./link/hive-link.ts";
import { webSocketDial } from "./link/ws-dial.ts";
import { LocalServer } from "./local/server.ts";
import type { Log } from "./log.ts";
import { Machine } from "./machine.ts";
import type { ModelCatalogue } from "./models/catalogue.ts";
import type { ModelPolicy } from "./models/policy.ts";
import type { NodeSql } from "./storage/node-sql.ts";
import { openDatabase } from "./storage/open.ts";
import type { WorkerKinds } from "./workers/kinds.ts";
import type { WorkerSupervisor } from "./workers/supervisor.ts";

export interface AgentOptions {
  /** Where the agent keeps its credential, its journal and its workers' records. One agent per home. */
  readonly home: string;
  /** Needed to join; afterwards the credential knows it. */
  readonly queen_url?: string;
  readonly join_token?: string;
  /** The name to join under; a token may carry another. */
  readonly hive_id?: string;
  readonly model_dirs: readonly string[];
  readonly model_files: readonly string[];
  readonly slots?: number;
  /** Seconds that a model which a request loaded stays when idle; below zero it stays. */
  readonly keep_alive?: number;
  /** What workers can be started; for benchmarks. */
  readonly kinds?: WorkerKinds;
  /** Port of the local server, on the loopback address; 0 = any free one, absent = none. */
  readonly local_port?: number;
  /** Where models may come from; from the hub's own address into this home if not given. */
  readonly model_policy?: ModelPolicy;
  readonly log: Log;
}

export interface Agent {
  readonly hive_id: string;
  readonly supervisor: WorkerSupervisor;
  readonly catalogue: ModelCatalogue;
  /** Where the local server listens, if it does. */
  readonly local_url: string | undefined;
  /** Resolves when the queen has welcomed the agent for the first time. */
  readonly connected: Promise<void>;
  /** Resolves when the agent is over: with why, if the queen refused it. */
  readonly stopped: Promise<RbeeError | undefined>;
  /** Round trip to the queen and back, in milliseconds. */
  rtt(): Promise<number | undefined>;
  /**
   * Takes nothing new, hands back at once what has not begun, lets running jobs end for so long, gives back the rest, stops
   * the workers. Said again with less time it hurries.
   */
  stop(drain_ms?: number): Promise<void>;
  /** Jobs whose end the queen does not have yet. */
  readonly jobsHeld: number;
  /** Lets go of everything at once, as a crash would: workers and journal are left for the next agent. */
  abandon(): void;
}

/** Starts an agent over its home: joins if it has not yet, takes up what was left, dials. @throws RbeeError */
export async function startAgent(options: AgentOptions): Promise<Agent> {
  const home = resolve(options.home);
  mkdirSync(home, { recursive: true, mode: 0o700 });
  const sql = openDatabase(join(home, "journal.db"), options.log);
  try {
    const credential = await credentialOf(home, options);
    return await RunningAgent.start(sql, credential, { ...options, home });
  } catch (error) {
    sql.close();
    throw error;
  }
}

async function credentialOf(home: string, options: AgentOptions): Promise<Credential> {
  const { queen_url, join_token } = options;
  const credential = loadCredential(home);
  const elsewhere = queen_url !== undefined && credential !== undefined && credential.queen_url !== queen_url;
  // A token for another queen means to move there; the same queen's credential is tried before the token is spent.
  if (credential !== undefined && !(elsewhere && join_token !== undefined)) return credential;
  if (join_token === undefined || queen_url === undefined) {
    throw new RbeeError("unauthorized", "this machine has not joined a fleet: give --queen-url and a join token");
  }
  return enrol(home, { queen_url, join_token, hive_id: options.hive_id ?? nameOfMachine() });
}

/** The host name, as far as a hive may be called so. */
function nameOfMachine(): string {
  const name = hostname().toLowerCase().split(".")[0] ?? "";
  return (
    name
      .replace(/[^a-z0-9-]+/g, "-")
      .replace(/^-+|-+$/g, "")
      .slice(0, 63) || "hive"
  );
}

class RunningAgent implements Agent {
  readonly hive_id: string;
  readonly #machine: Machine;
  readonly #options: AgentOptions;
  readonly #sql: NodeSql;
  readonly #link: HiveLink;
  readonly #local: LocalServer | undefined;
  readonly #connected = Promise.withResolvers<void>();
  readonly #stopped = Promise.withResolvers<RbeeError | undefined>();
  #credential: Credential;
  #joinToken: string | undefined;
  #stopping: Promise<void> | undefined;
  readonly #deadline = new Deadline();
  #over = false;

  static async start(sql: NodeSql, credential: Credential, options: AgentOptions): Promise<RunningAgent> {
    const agent = new RunningAgent(sql, credential, options);
    // Before the first job is resumed: it may want the worker that it had.
    await agent.#machine.start();
    await agent.#local?.start();
    agent.#link.start();
    return agent;
  }

  private constructor(sql: NodeSql, credential: Credential, options: AgentOptions) {
    this.#options = options;
    this.#sql = sql;
    this.#credential = credential;
    this.#joinToken = options.join_token;
    this.hive_id = credential.hive_id;
    const { hive_id } = this;
    const { home, log, local_port } = options;
    const queen_url = options.queen_url ?? credential.queen_url;
    const line = {
      changed: () => this.#link.inventoryChanged(),
      tell: () => this.#link.tellInventory(),
      rtt: async () => this.rtt(),
    };
    this.#machine = new Machine({ ...options, hive_id, queen_url, sql }, line);
    const { handlers, stock } = this.#machine;
    const shared = { clock: systemClock, log, boot: bootId(), handlers, inventory: () => stock.inventory() };
    const activeOn = (worker_id: string) => this.supervisor.activeOn(worker_id);
    if (local_port !== undefined)
      this.#local = new LocalServer({ ...shared, hive_id, home, port: local_port, activeOn });
    const link = {
      ...shared,
      queen_url,
      dial: webSocketDial(systemClock),
      sql,
      sync: () => sql.sync(),
      headers: (time: number) => this.#credential.headers(time),
    };
    this.#link = new HiveLink(link, {
      connected: () => {
        log.info("connected to the queen", { hive_id: this.hive_id });
        this.#connected.resolve();
      },
      disconnected: (reason) => log.warn("the connection to the queen broke; dialling again", { reason }),
      refused: (error) => void this.#refused(error),
    });
    // Who only waits for the end must not be told twice.
    this.#connected.promise.catch(() => undefined);
  }

  get supervisor(): WorkerSupervisor {
    return this.#machine.supervisor;
  }

  get catalogue(): ModelCatalogue {
    return this.#machine.catalogue;
  }

  get local_url(): string | undefined {
    return this.#local?.url;
  }

  get connected(): Promise<void> {
    return this.#connected.promise;
  }

  get stopped(): Promise<RbeeError | undefined> {
    return this.#stopped.promise;
  }

  async rtt(): Promise<number | undefined> {
    return this.#link.rtt();
  }

  async stop(drain_ms: number = limits.drain_ms): Promise<void> {
    this.#deadline.within(drain_ms);
    this.#stopping ??= this.#windDown();
    await this.#stopping;
  }

  get jobsHeld(): number {
    return this.#link.jobsHeld;
  }

  abandon(): void {
    this.supervisor.close();
    this.#end(undefined);
  }

  /** [AGENT-21] */
  async #windDown(): Promise<void> {
    this.#link.drain();
    this.#local?.jobs.drain();
    const done = await this.#deadline.before(Promise.all([this.#link.idle(), this.#local?.jobs.idle()]));
    if (!done) {
      this.#link.giveBackAll("the hive is shutting down");
      // There is nobody to give these back to: the next agent takes them up.
      this.#local?.jobs.halt();
    }
    const grace = new Deadline();
    grace.within(limits.stop_grace_ms);
    const told = done || !this.#link.connected ? undefined : grace.before(this.#link.idle());
    await Promise.all([told, this.supervisor.stopAll()]);
    this.#end(undefined);
  }

  /** A queen that does not know the credential (any more) may still take a token; it is good for one try. */
  async #refused(error: RbeeError): Promise<void> {
    const { home, queen_url = this.#credential.queen_url } = this.#options;
    const join_token = this.#joinToken;
    this.#joinToken = undefined;
    if (join_token === undefined || (error.code !== "unauthorized" && error.code !== "forbidden"))
      return this.#end(error);
    try {
      this.#credential = await enrol(home, { queen_url, join_token, hive_id: this.hive_id });
    } catch (failure) {
      return this.#end(failure instanceof RbeeError ? failure : error);
    }
    if (this.#credential.hive_id === this.hive_id) this.#link.redial();
    else
      this.#end(
        new RbeeError("unauthorized", `the queen calls this machine ${this.#credential.hive_id} now; start it again`),
      );
  }

  #end(error: RbeeError | undefined): void {
    if (this.#over) return;
    this.#over = true;
    this.#machine.stop();
    this.#link.close();
    this.#local?.close();
    this.#sql.close();
    if (error !== undefined) this.supervisor.close();
    this.#connected.reject(error ?? new RbeeError("unavailable", "the agent was stopped"));
    this.#stopped.resolve(error);
  }
}
