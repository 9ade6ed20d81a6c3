import {
  limits,
  RbeeError,
  type ActiveWorker,
  type HeldJob,
  type HiveInfo,
  type Inventory,
  type JobLine,
  type Problem,
  type QueuedJob,
} from "@rbee/contracts";
import type { Sql } from "@rbee/job-core";
import { Accounts } from "./accounts.ts";
import { Conversations, type Seat } from "./conversations.ts";
import { stopsSince } from "./counters.ts";
import { alreadyAnswered, type Decision } from "./effects.ts";
import type { FinishedLine } from "./finished.ts";
import { Fleet, type HiveChange } from "./fleet.ts";
import { activeWorkers, hiveInfos } from "./fleet-report.ts";
import { Placeable } from "./fleet-view.ts";
import { Forecast } from "./forecast.ts";
import { JoinTokens } from "./join-tokens.ts";
import { Keys } from "./keys.ts";
import { Ledger, type Ending } from "./ledger.ts";
import type { OpenJob, Want } from "./want.ts";
import { tooLate } from "./patience.ts";
import { choose, type Choice } from "./placement.ts";
import { queuedJobs } from "./queue-report.ts";
import { Quotas } from "./quotas.ts";
import { Told } from "./told.ts";
import { unknownWorker } from "./unknown.ts";
import { queueOf, type WaitingLine } from "./waiting-line.ts";
import { WorkerBook, type Retirement } from "./worker-book.ts";

/** News for a job that the registry decided on its own. */
export interface Notice {
  readonly job_id: string;
  /** The queen's term that it is about. */
  readonly term: number;
  readonly decision: Decision;
}

type Wait = Extract<Choice, { kind: "wait" }>;

/** One colony: its hives, the queue, and who runs what. Every decision is written before it is told. */
export class Registry {
  readonly fleet: Fleet;
  readonly tokens: JoinTokens;
  readonly keys: Keys;
  readonly accounts: Accounts;
  readonly quotas: Quotas;
  readonly #sql: Sql;
  readonly #ledger: Ledger;
  readonly #book: WorkerBook;
  readonly #placeable: Placeable;
  readonly #conversations = new Conversations();
  readonly #forecast = new Forecast();
  readonly #told = new Told();

  constructor(sql: Sql) {
    this.#sql = sql;
    this.fleet = new Fleet(sql);
    this.tokens = new JoinTokens(sql);
    this.keys = new Keys(sql);
    this.#ledger = new Ledger(sql);
    this.#book = new WorkerBook(sql);
    this.#placeable = new Placeable(this.fleet, this.#book);
    this.accounts = new Accounts(sql);
    const finished = this.#ledger.finished(limits.conversations_max).toReversed();
    for (const { line } of finished) this.#ended(line);
    for (const { want, placement } of this.#ledger.all()) this.#remember(want.session?.keep, placement);
    this.quotas = new Quotas({ keys: this.keys, ledger: this.#ledger, accounts: this.accounts }, finished);
  }

  get openCount(): number {
    return this.#ledger.openCount;
  }

  /** A job asks for a place, in the queen's term it stands in. Asking again gives the answer that was written. [REG-2] */
  place(want: Want, term: number, now: number): Decision {
    const open = this.#ledger.find(want.job_id);
    if (open !== undefined && open.term > term) return alreadyAnswered(open);
    const full = open === undefined ? this.quotas.refusal(want, term, now) : undefined;
    if (full !== undefined) return this.#refuse(full, term);
    const choice = this.#ledger.without(open, () => this.#chooseAnew(want, open?.placement?.hive_id));
    if (open === undefined && term === 0 && choice.kind !== "refuse") this.quotas.count(want, now);
    switch (choice.kind) {
      case "refuse":
        // A job that is there already closes its own line.
        if (term === 0) this.#ledger.drop(want.job_id, now);
        return this.#refuse(choice.problem, term);
      case "place":
        this.#give(want, term, { ...choice, now });
        return { kind: "placed", placement: choice.placement };
      case "wait": {
        const job = this.#ledger.wait(want, term, now);
        return this.#waiting(job, choice, this.#ledger.line.positionOf(job));
      }
    }
  }

  /** @returns whether the job was open */
  release(job_id: string, { speed, ...ending }: Ending): boolean {
    this.#told.forget(job_id);
    if (speed !== undefined) this.#book.measured(speed.hive_id, speed.worker_id, speed.tokens_per_s);
    return this.#sql.transaction(() => {
      const done = this.#ledger.finish(job_id, ending);
      if (done === undefined) return false;
      const { job, line: finished } = done;
      if (finished === undefined) return true;
      this.accounts.add(finished);
      this.#ended(finished.line);
      const { want, placement, since } = job;
      if (want.model !== undefined && placement !== undefined)
        this.#forecast.ended(want.model, Math.max(0, ending.finished_at - since));
      return true;
    });
  }

  /** A reserved place that no job took. */
  drop(job_id: string, now: number): void {
    this.#told.forget(job_id);
    this.#ledger.drop(job_id, now);
  }

  /** A hive said hello. @returns the jobs that it should have and does not: their terms are lost */
  hiveConnected(
    hive_id: string,
    session: number,
    report: { inventory: Inventory; jobs: readonly HeldJob[]; now: number },
  ): OpenJob[] {
    const before = this.fleet.find(hive_id)?.inventory;
    if (!this.fleet.connected(hive_id, session, report)) return [];
    this.#heard(hive_id, { before, ...report });
    const held = new Map(report.jobs.map(({ job_id, term }) => [job_id, term]));
    return this.#ledger.placedOn(hive_id).filter(({ want, term }) => (held.get(want.job_id) ?? 0) < term);
  }

  /** A hive told what changed. @returns whether anything did */
  hiveChanged(hive_id: string, session: number, change: HiveChange): boolean {
    const before = this.fleet.find(hive_id)?.inventory;
    if (!this.fleet.update(hive_id, session, change)) return false;
    if (change.inventory !== undefined) this.#heard(hive_id, { ...change, before, inventory: change.inventory });
    return true;
  }

  /**
   * Gives places to whoever waits: by priority, then by fair share, then in order of arrival. Tells those near the front
   * where they stand, and those who have waited as long as they would that it is over.
   */
  drain(now: number): Notice[] {
    const notices: Notice[] = [];
    const waits = new Map<string, Wait>();
    const { line } = this.#ledger;
    const expired = new Set(line.expired(now));
    // Repeated until the job has ended itself, as any refusal of a queued job. [REG-4]
    for (const { want, term } of expired)
      notices.push({ job_id: want.job_id, term, decision: { kind: "refused", problem: tooLate(want) } });
    line.serve((job) => {
      if (expired.has(job)) return "passed";
      const choice = this.#choose(job.want);
      if (choice.kind === "wait") {
        waits.set(queueOf(job.want), choice);
        return "blocked";
      }
      const { job_id } = job.want;
      if (choice.kind === "refuse") {
        // Its line stays until the job has ended itself, so that a notice that is lost is repeated. [REG-4]
        notices.push({ job_id, term: job.term, decision: { kind: "refused", problem: choice.problem } });
        return "passed";
      }
      this.#give(job.want, job.term, { ...choice, now });
      notices.push({ job_id, term: job.term, decision: { kind: "placed", placement: choice.placement } });
      return "placed";
    });
    for (const [queue, wait] of waits)
      for (const [i, job] of line.front(limits.queue_watch_max, queue).entries())
        notices.push(...this.#tell(job, wait, i + 1));
    return notices;
  }

  /** Open jobs for the audit: each is asked whether it still is what the ledger says. */
  openJobs(): OpenJob[] {
    return [...this.#ledger.all()];
  }

  open(job_id: string): OpenJob | undefined {
    return this.#ledger.find(job_id);
  }

  /** Newest first; of one key if it is named. */
  jobs(limit: number, key_id?: string): JobLine[] {
    return this.#ledger.list(limit, key_id);
  }

  /** What waits, in the order in which it will be served. */
  queue(limit: number): QueuedJob[] {
    return queuedJobs(this.#ledger.line, limit, { forecast: this.#forecast, choose: (want) => this.#choose(want) });
  }

  counts(): { queued: number; running: number } {
    const queued = this.#ledger.line.size;
    return { queued, running: this.#ledger.openCount - queued };
  }

  /** Everything that waits. */
  get line(): Pick<WaitingLine, "all" | "expired" | "deadlineAfter"> {
    return this.#ledger.line;
  }

  hives(): HiveInfo[] {
    return hiveInfos(this.fleet.all(), this.#ledger);
  }

  /** Workers of all hives; those of a hive that went away are shown as unreachable for a while, then no more. */
  workers(now: number): ActiveWorker[] {
    return activeWorkers(this.fleet.all(), { occupancy: this.#ledger.occupancy, book: this.#book, now });
  }

  /** The worker gets nothing new from this instant. [WORKER-1] @throws RbeeError worker_not_found */
  retire(worker_id: string, how: { keep: boolean; now: number }): ActiveWorker {
    const workers = this.workers(how.now);
    const worker = workers.find((one) => one.worker_id === worker_id);
    if (worker === undefined) throw new RbeeError("worker_not_found", unknownWorker(worker_id, workers));
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
    return { hive_id, gen: this.fleet.enrol(hive_id, asked.now, token.labels) };
  }

  /** A hive that had the job and lost it may be deaf and not known to be: any other comes first. [REG-5] */
  #chooseAnew(want: Want, lostBy: string | undefined): Choice {
    if (lostBy === undefined) return this.#choose(want);
    const elsewhere = this.#choose(want, this.#placeable.view.without(lostBy));
    return elsewhere.kind === "place" ? elsewhere : this.#choose(want);
  }

  #choose(want: Want, fleet = this.#placeable.view): Choice {
    const seat = want.session === undefined ? undefined : this.#conversations.find(want.session);
    const conversationsOn = (hive_id: string, worker_id: string) => this.#conversations.on(hive_id, worker_id);
    return choose(want, fleet, { occupancy: this.#ledger.occupancy, seat, conversationsOn });
  }

  #give(want: Want, term: number, choice: Extract<Choice, { kind: "place" }> & { now: number }): void {
    this.#ledger.give(want, term + 1, choice);
    this.#told.forget(want.job_id);
    this.#remember(want.session?.keep, choice.placement);
  }

  /** What a line of the history tells of workers. */
  #ended(line: FinishedLine["line"]): void {
    const { hive_id = "", account, finished_at = 0 } = line;
    this.#remember(account?.session, { ...line, ...account });
    this.#book.used(hive_id, account?.worker_id ?? "", finished_at);
  }

  /** Who served the newest turn of a conversation. */
  #remember(session: string | undefined, seat: Partial<Record<keyof Seat, string | undefined>> = {}): void {
    const { hive_id, worker_id } = seat;
    if (session !== undefined && hive_id !== undefined && worker_id !== undefined)
      this.#conversations.note(session, { hive_id, worker_id });
  }

  #heard(hive_id: string, news: { before: Inventory | undefined; inventory: Inventory; now: number }): void {
    const moved = this.#book.heard(hive_id, news.inventory.workers, news.now);
    this.accounts.workers({ ...moved, ...stopsSince(news.before?.stops, news.inventory.stops) }, news.now);
  }

  #refuse(problem: Problem, term: number): Decision {
    if (term === 0) this.accounts.refused(problem.code);
    return { kind: "refused", problem };
  }

  #waiting({ want }: OpenJob, { reason, slots }: Wait, position: number): Extract<Decision, { kind: "waiting" }> {
    this.#told.note(want.job_id, { position, reason });
    const eta_ms = this.#forecast.wait({ model: want.model, position, slots: slots ?? 0 });
    return { kind: "waiting", reason, position, ...(eta_ms === undefined ? {} : { eta_ms }) };
  }

  #tell(job: OpenJob, wait: Wait, position: number): Notice[] {
    const { job_id } = job.want;
    if (!this.#told.isNews(job_id, { position, reason: wait.reason })) return [];
    return [{ job_id, term: job.term, decision: this.#waiting(job, wait, position) }];
  }
}
