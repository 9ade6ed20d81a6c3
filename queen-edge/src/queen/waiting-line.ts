import { priorities } from "@rbee/contracts";
import TinyQueue from "tinyqueue";
import { FairShare, nameOf, type Party } from "./fair-share.ts";
import type { OpenJob, Want } from "./want.ts";
import { waitsUntil } from "./patience.ts";

/** Jobs of one key and priority that want the same, in order of arrival. */
interface Flow {
  readonly queue: string;
  readonly party: Party;
  readonly jobs: OpenJob[];
}

/** A flow's next job, as it stood when it was looked at. */
interface Turn {
  readonly flow: Flow;
  readonly at: number;
  readonly tag: number;
  readonly rank: number;
}

/** What became of a job whose turn it was: it got a place and left the line, all who want the same must wait, or it stays and is passed over. */
export type Served = "placed" | "blocked" | "passed";

/** Jobs that want the same wait for the same. */
export const queueOf = ({ hive_id, model = "", worker_id = "", model_digest = "", hive_labels = [] }: Want): string =>
  `${hive_id} ${model} ${worker_id} ${model_digest} ${hive_labels.join(" ")}`;

const partyOf = ({ priority = "normal", key_id = "" }: Want): Party => ({ priority, key_id });

/** All queued jobs: higher priority first, then whoever has had the least, then in order of arrival. */
export class WaitingLine {
  /** By what they want, then by who asks. */
  readonly #queues = new Map<string, Map<string, Flow>>();
  /** Who has jobs here, and in how many flows. */
  readonly #parties = new Map<string, { readonly party: Party; flows: number }>();
  readonly #share = new FairShare();
  /** Jobs that do not wait for ever, and until when they do. */
  readonly #patience = new Map<string, { readonly job: OpenJob; readonly until: number }>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  add(job: OpenJob): void {
    const flow = this.#flowOf(job.want) ?? this.#newFlow(job.want);
    flow.jobs.splice(indexOf(flow.jobs, job.rank), 0, job);
    this.#size++;
    const until = waitsUntil(job);
    if (until !== undefined) this.#patience.set(job.want.job_id, { job, until });
  }

  remove(job: OpenJob): void {
    const flow = this.#flowOf(job.want);
    const at = flow === undefined ? -1 : indexOf(flow.jobs, job.rank);
    if (flow?.jobs[at]?.want.job_id !== job.want.job_id) return;
    flow.jobs.splice(at, 1);
    this.#size--;
    this.#patience.delete(job.want.job_id);
    if (flow.jobs.length === 0) this.#endFlow(flow);
  }

  /** When the next job has waited long enough, after a moment. */
  deadlineAfter(now: number): number | undefined {
    let next: number | undefined;
    for (const { until } of this.#patience.values()) if (until > now && until < (next ?? Infinity)) next = until;
    return next;
  }

  /** Jobs that have waited as long as they would. */
  expired(now: number): OpenJob[] {
    return [...this.#patience.values()].filter(({ until }) => until <= now).map(({ job }) => job);
  }

  /** In no particular order. */
  *all(): Generator<OpenJob, void> {
    for (const flows of this.#queues.values()) for (const { jobs } of flows.values()) yield* jobs;
  }

  /** A job has a place, from the line or past it. */
  began({ want }: OpenJob): void {
    this.#share.began(want.job_id, partyOf(want));
  }

  /** A job that had a place is over, or has lost it. */
  ended({ want }: OpenJob, slot_ms: number): void {
    this.#share.ended(want.job_id, partyOf(want), slot_ms);
  }

  /** Calls each job in turn; `decide` gives it a place or says why not. */
  serve(decide: (job: OpenJob) => Served): void {
    const blocked = new Set<string>();
    const turns = new TinyQueue<Turn>(
      [...this.#queues.values()].flatMap((flows) => [...flows.values()].map((flow) => this.#turnOf(flow, 0))),
      inTurn,
    );
    for (let turn = turns.pop(); turn !== undefined; turn = turns.pop()) {
      const { flow, at, tag } = turn;
      const job = flow.jobs[at];
      if (job === undefined || blocked.has(flow.queue)) continue;
      // Its key was served in another flow meanwhile.
      if (tag < this.#tagOf(flow, at)) {
        turns.push(this.#turnOf(flow, at));
        continue;
      }
      const served = decide(job);
      if (served === "blocked") blocked.add(flow.queue);
      else turns.push(this.#turnOf(flow, served === "placed" ? at : at + 1));
    }
  }

  /** The first jobs, in the order in which they will be served: of one queue, or of all. */
  front(count: number, queue?: string): OpenJob[] {
    const queues =
      queue === undefined ? [...this.#queues.values()] : [this.#queues.get(queue) ?? new Map<string, Flow>()];
    return queues
      .flatMap((flows) => [...flows.values()])
      .flatMap((flow) => flow.jobs.slice(0, count).map((_, at) => this.#turnOf(flow, at)))
      .sort(inTurn)
      .slice(0, count)
      .map(({ flow, at }) => flow.jobs[at] as OpenJob);
  }

  /** Place of a job among those that want the same; 1 is next. */
  positionOf(job: OpenJob): number {
    const own = this.#flowOf(job.want);
    if (own === undefined) return 1;
    const mine = this.#turnOf(own, indexOf(own.jobs, job.rank));
    let position = 1;
    for (const flow of this.#queues.get(own.queue)?.values() ?? []) position += this.#aheadOf(mine, flow);
    return position;
  }

  /** How many of a flow's jobs come before one. Their tags only grow, so they are the first ones. */
  #aheadOf(mine: Turn, flow: Flow): number {
    let [low, high] = [0, flow.jobs.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (inTurn(this.#turnOf(flow, middle), mine) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #turnOf(flow: Flow, at: number): Turn {
    return { flow, at, tag: this.#tagOf(flow, at), rank: flow.jobs[at]?.rank ?? Number.POSITIVE_INFINITY };
  }

  #tagOf({ party }: Flow, at: number): number {
    return this.#share.tagOf(party) + at * this.#share.step;
  }

  #flowOf(want: Want): Flow | undefined {
    return this.#queues.get(queueOf(want))?.get(nameOf(partyOf(want)));
  }

  #newFlow(want: Want): Flow {
    const flow: Flow = { queue: queueOf(want), party: partyOf(want), jobs: [] };
    const name = nameOf(flow.party);
    const present = this.#parties.get(name);
    if (present === undefined) {
      this.#share.arrives(
        flow.party,
        [...this.#parties.values()].map(({ party }) => party),
      );
      this.#parties.set(name, { party: flow.party, flows: 1 });
    } else present.flows++;
    const flows = this.#queues.get(flow.queue) ?? new Map<string, Flow>();
    this.#queues.set(flow.queue, flows.set(name, flow));
    return flow;
  }

  #endFlow({ queue, party }: Flow): void {
    const name = nameOf(party);
    const flows = this.#queues.get(queue);
    flows?.delete(name);
    if (flows?.size === 0) this.#queues.delete(queue);
    const present = this.#parties.get(name);
    if (present !== undefined && --present.flows === 0) this.#parties.delete(name);
  }
}

const inTurn = (one: Turn, other: Turn): number =>
  priorities.indexOf(one.flow.party.priority) - priorities.indexOf(other.flow.party.priority) ||
  one.tag - other.tag ||
  one.rank - other.rank;

/** Where a rank is, or would be. */
function indexOf(jobs: readonly OpenJob[], rank: number): number {
  let [low, high] = [0, jobs.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((jobs[middle]?.rank ?? 0) < rank) low = middle + 1;
    else high = middle;
  }
  return low;
}
