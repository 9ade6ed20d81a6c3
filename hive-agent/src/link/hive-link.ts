import { randomUUID } from "node:crypto";
import type { Inventory, RbeeError } from "@rbee/contracts";
import type { Sql } from "@rbee/job-core";
import type { HiveHandlers } from "../jobs/handler.ts";
import { Jobs } from "../jobs/jobs.ts";
import { Journal } from "../jobs/journal.ts";
import { ControlLink } from "./control-link.ts";
import type { LinkContext } from "./lane.ts";

export interface HiveLinkOptions extends LinkContext {
  readonly sql: Sql;
  /** Puts the journal on the disk itself, soon. */
  sync(): void;
  /** Changes with every start of the machine. */
  readonly boot: string;
  headers(time: number): Record<string, string>;
  readonly handlers: HiveHandlers;
  inventory(): Inventory;
}

export interface HiveLinkEvents {
  connected(): void;
  disconnected(reason: string): void;
  /** The queen will not have this hive; `redial` tries again, with new headers. */
  refused(error: RbeeError): void;
}

/** A hive as far as its queen is concerned: the control connection, and the jobs with their lanes. */
export class HiveLink {
  readonly #jobs: Jobs;
  readonly #control: ControlLink;
  readonly #boot: string;

  constructor(options: HiveLinkOptions, events: HiveLinkEvents) {
    this.#boot = options.boot;
    const say = (frame: string) => this.#control.say(frame);
    this.#jobs = new Jobs({ ...options, journal: new Journal(options.sql), say });
    const context = { ...options, instance_id: randomUUID(), held: () => this.#jobs.held };
    this.#control = new ControlLink(context, {
      connected: () => {
        this.#jobs.nudge();
        events.connected();
      },
      disconnected: (reason) => events.disconnected(reason),
      refused: (error) => events.refused(error),
      op: (op) => this.#jobs.op(op),
      cancel: (job) => this.#jobs.cancel(job),
      preludeAnswer: (answer) => this.#jobs.preludeAnswer(answer),
    });
  }

  /** Goes on with what the journal holds, and dials. */
  start(): void {
    this.#jobs.resume(this.#boot);
    this.#control.start();
  }

  redial(): void {
    this.#control.start();
  }

  get connected(): boolean {
    return this.#control.connected;
  }

  get jobsHeld(): number {
    return this.#jobs.held.length;
  }

  inventoryChanged(): void {
    this.#control.inventoryChanged();
  }

  /** Tells the queen now what changed, before anything that is said after. */
  tellInventory(): void {
    this.#control.tellInventory();
  }

  async rtt(): Promise<number | undefined> {
    return this.#control.rtt();
  }

  /** Asks for nothing new and gives back what comes anyway. */
  drain(): void {
    this.#jobs.drain();
    this.#control.drain();
  }

  /** Resolves when every job is out of the way. */
  async idle(): Promise<void> {
    await this.#jobs.idle();
  }

  /** Ends what runs without an outcome of its own. */
  giveBackAll(detail: string): void {
    this.#jobs.giveBackAll("draining", detail);
  }

  /** Lets go of every socket; what was not delivered stays in the journal. */
  close(): void {
    this.#jobs.halt();
    this.#control.close();
  }
}
