import {
  limits,
  problemOf,
  RbeeError,
  type ActiveWorker,
  type HiveInfo,
  type Inventory,
  type JobLine,
  type WorkerInfo,
} from "@rbee/contracts";
import type { Sql } from "@rbee/job-core";
import type { Decision } from "./effects.ts";
import { Fleet, type Hive, type HiveChange } from "./fleet.ts";
import { JoinTokens } from "./join-tokens.ts";
import { Ledger, type Ending, type OpenJob, type Want } from "./ledger.ts";
import { choose, Occupancy, type Choice } from "./placement.ts";
import { WorkerBook, type Retirement } from "./worker-book.ts";

/** News for a job that the registry decided on its own. */
export interface Notice {
  readonly job_id: string;
  /** The queen's term that it is about. */
  readonly term: number;
  readonly decision: Decision;
}

/** One colony: its hives, the queue, and who runs what. Every decision is written before it is told. */
export class Registry {
  readonly fleet: Fleet;
  readonly tokens: JoinTokens;
  readonly #ledger: Ledger;
  readonly #book: WorkerBook;
  /** What queued jobs were last told. Only saves repeats: a job ignores what it knows. */
  readonly #told = new Map<string, string>();

  constructor(sql: Sql) {
    this.fleet = new Fleet(sql);
    this.tokens = new JoinTokens(sql);
    this.#ledger = new Ledger(sql);
    this.#book = new WorkerBook(sql);
  }

  get openCount(): number {
    return this.#ledger.openCount;
  }

  /** A job asks for a place, in the queen's term it stands in. Asking again gives the answer that was written. [REG-2] */
  place(want: Want, term: number): Decision {
    const open = this.#ledger.find(want.job_id);
    if (open?.placement !== undefined && open.term > term) return { kind: "placed", placement: open.placement };
    if (open === undefined && this.#ledger.openCount >= limits.open_jobs_max) {
      return { kind: "refused", problem: problemOf("queue_full", `${limits.open_jobs_max} jobs are open`) };
    }
    const choice = this.#choose(want, open?.placement?.hive_id);
    switch (choice.kind) {
      case "refuse":
        // A job that is there already closes its own line.
        if (term === 0) this.#ledger.drop(want.job_id);
        return { kind: "refused", problem: choice.problem };
      case "place":
        this.#ledger.put(want, term + 1, choice.placement);
        return { kind: "placed", placement: choice.placement };
      case "wait": {
        const job = this.#ledger.put(want, term, undefined);
        return { kind: "waiting", reason: choice.reason, position: this.#positionOf(job) };
      }
    }
  }

  /** @returns whether the job was open */
  release(job_id: string, { speed, ...ending }: Ending): boolean {
    this.#told.delete(job_id);
    if (speed !== undefined) this.#book.measured(speed.hive_id, speed.worker_id, speed.tokens_per_s);
    return this.#ledger.finish(job_id, ending);
  }

  /** A reserved place that no job took. */
  drop(job_id: string): void {
    this.#told.delete(job_id);
    this.#ledger.drop(job_id);
  }

  /** A hive said hello. @returns the jobs that it should have and does not: their terms are lost */
  hiveConnected(
    hive_id: string,
    session: number,
    report: { inventory: Inventory; jobs: readonly string[]; now: number },
  ): OpenJob[] {
    if (!this.fleet.connected(hive_id, session, report)) return [];
    this.#book.heard(hive_id, report.inventory.workers, report.now);
    const held = new Set(report.jobs);
    return this.#ledger.placed().filter((job) => job.placement?.hive_id === hive_id && !held.has(job.want.job_id));
  }

  /** A hive told what changed. @returns whether anything did */
  hiveChanged(hive_id: string, session: number, change: HiveChange): boolean {
    if (!this.fleet.update(hive_id, session, change)) return false;
    if (change.inventory !== undefined) this.#book.heard(hive_id, change.inventory.workers, change.now);
    return true;
  }

  /** Gives places to whoever waits, in order of arrival, and tells those near the front where they stand. */
  drain(): Notice[] {
    const notices: Notice[] = [];
    const hives = this.#placeable();
    const occupancy = new Occupancy(this.#ledger.placed());
    /** Jobs that want the same wait for the same: once one must wait, those behind it need no look. */
    const waiting = new Map<string, { reason: string; count: number }>();
    for (const job of this.#ledger.queued()) {
      const key = queueOf(job.want);
      const ahead = waiting.get(key);
      if (ahead !== undefined) {
        ahead.count++;
        notices.push(...this.#tell(job, ahead.reason, ahead.count));
        continue;
      }
      const choice = choose(job.want, hives, occupancy);
      if (choice.kind === "place") {
        occupancy.add(job.want, choice.placement);
        this.#ledger.put(job.want, job.term + 1, choice.placement);
        notices.push({
          job_id: job.want.job_id,
          term: job.term,
          decision: { kind: "placed", placement: choice.placement },
        });
      } else if (choice.kind === "refuse") {
        // Its line stays until the job has ended itself, so that a notice that is lost is repeated.
        notices.push({
          job_id: job.want.job_id,
          term: job.term,
          decision: { kind: "refused", problem: choice.problem },
        });
      } else {
        waiting.set(key, { reason: choice.reason, count: 1 });
        notices.push(...this.#tell(job, choice.reason, 1));
      }
    }
    return notices;
  }

  /** Open jobs for the audit: each is asked whether it still is what the ledger says. */
  openJobs(): OpenJob[] {
    return [...this.#ledger.placed(), ...this.#ledger.queued()];
  }

  jobs(limit: number): JobLine[] {
    return this.#ledger.list(limit);
  }

  counts(): { queued: number; running: number } {
    const running = this.#ledger.placed().length;
    return { queued: this.#ledger.openCount - running, running };
  }

  hives(): HiveInfo[] {
    return this.fleet.all().map((hive) => this.hiveInfo(hive));
  }

  hiveInfo(hive: Hive): HiveInfo {
    const { hive_id, connected, draining, last_seen, enrolled_at, inventory } = hive;
    return {
      hive_id,
      connected,
      ...(draining ? { draining } : {}),
      last_seen,
      ...(connected ? {} : { stale: true }),
      enrolled_at,
      ...(inventory === undefined ? {} : { version: inventory.version, platform: inventory.platform }),
      devices: inventory?.devices ?? [],
      models: inventory?.models ?? [],
      jobs_running: this.#ledger.placed().filter((job) => job.placement?.hive_id === hive_id).length,
      jobs_queued: this.#ledger.queued().filter((job) => job.want.hive_id === hive_id).length,
    };
  }

  /** Workers of all hives; those of a hive that went away are shown as unreachable for a while, then no more. */
  workers(now: number): ActiveWorker[] {
    const occupancy = new Occupancy(this.#ledger.placed());
    const shown = this.fleet
      .all()
      .filter((hive) => hive.connected || now - hive.last_seen < limits.worker_unreachable_ms);
    return shown.flatMap((hive) =>
      (hive.inventory?.workers ?? []).map((worker) => ({
        worker_id: worker.worker_id,
        hive_id: hive.hive_id,
        model: worker.model,
        device: worker.device,
        state: hive.connected ? this.#stateOf(hive, worker) : ("unreachable" as const),
        slots: worker.slots,
        slots_busy: Math.min(occupancy.of(hive, worker), worker.slots),
        ...this.#book.notesOf(hive.hive_id, worker),
      })),
    );
  }

  /** The worker gets nothing new from this instant. [WORKER-1] @throws RbeeError worker_not_found */
  retire(worker_id: string, how: { keep: boolean; now: number }): ActiveWorker {
    const workers = this.workers(how.now);
    const worker = workers.find((one) => one.worker_id === worker_id);
    if (worker === undefined) throw unknownWorker(worker_id, workers);
    this.#book.retire(worker.hive_id, worker_id, how.keep ? "keep" : "stop");
    return worker;
  }

  /** Hives that must be asked to let a worker finish; each is named once in a while, until it does. [WORKER-2] */
  retirements(now: number): Retirement[] {
    return this.fleet
      .all()
      .filter((hive) => hive.connected)
      .flatMap((hive) => this.#book.due(hive.hive_id, hive.inventory?.workers ?? [], now));
  }

  /** Trades a join token for a place in the fleet. @throws RbeeError unauthorized */
  enrol(tokenHash: string, asked: { hive_id: string; now: number }): { hive_id: string; gen: number } {
    const token = this.tokens.redeem(tokenHash, asked.now);
    if (token === undefined)
      throw new RbeeError("unauthorized", "the join token is not valid: it was used, or its time is up");
    const hive_id = token.label ?? asked.hive_id;
    return { hive_id, gen: this.fleet.enrol(hive_id, asked.now) };
  }

  /** The fleet as far as new work is concerned: a retired worker takes none, whatever its hive says. */
  #placeable(): Hive[] {
    return this.fleet.all().map((hive) => {
      const { hive_id, inventory } = hive;
      const retired = (inventory?.workers ?? []).filter((worker) => this.#book.isRetired(hive_id, worker));
      if (inventory === undefined || retired.length === 0) return hive;
      const workers = inventory.workers.map((worker) => ({ ...worker, state: this.#stateOf(hive, worker) }));
      // Until the hive knows, it would give the work that it may place itself to the very worker that retires.
      const closing = retired.filter(({ state }) => state === "ready").map(({ model }) => model);
      return { ...hive, inventory: { ...inventory, workers }, closing };
    });
  }

  #stateOf(hive: Hive, worker: WorkerInfo): WorkerInfo["state"] {
    return worker.state === "ready" && this.#book.isRetired(hive.hive_id, worker) ? "draining" : worker.state;
  }

  /** A hive that had the job and lost it may be deaf and not known to be: any other comes first. [REG-5] */
  #choose(want: Want, lostBy: string | undefined): Choice {
    const occupancy = new Occupancy(this.#ledger.placed().filter((job) => job.want.job_id !== want.job_id));
    const hives = this.#placeable();
    if (lostBy === undefined) return choose(want, hives, occupancy);
    const others = hives.filter(({ hive_id }) => hive_id !== lostBy);
    const elsewhere = choose(want, others, occupancy);
    return elsewhere.kind === "place" ? elsewhere : choose(want, hives, occupancy);
  }

  #tell(job: OpenJob, reason: string, position: number): Notice[] {
    const { job_id } = job.want;
    const news = `${position} ${reason}`;
    if (position > limits.queue_watch_max || this.#told.get(job_id) === news) return [];
    this.#told.set(job_id, news);
    return [{ job_id, term: job.term, decision: { kind: "waiting", reason, position } }];
  }

  #positionOf(job: OpenJob): number {
    const key = queueOf(job.want);
    return this.#ledger.queued().filter((other) => other.rank <= job.rank && queueOf(other.want) === key).length;
  }
}

const NAMES_SHOWN = 20;

const queueOf = ({ hive_id, model = "", worker_id = "", model_digest = "" }: Want): string =>
  `${hive_id} ${model} ${worker_id} ${model_digest}`;

function unknownWorker(worker_id: string, workers: readonly ActiveWorker[]): RbeeError {
  const known = workers.map((worker) => worker.worker_id).slice(0, NAMES_SHOWN);
  const there = known.length === 0 ? "there is none" : `there are ${known.join(", ")}`;
  return new RbeeError("worker_not_found", `no worker ${worker_id}; ${there}`);
}
