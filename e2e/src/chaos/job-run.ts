import type { JobEvent, OperationName } from "@rbee/contracts";
import { RbeeError } from "@rbee/sdk";
import { StreamClock, type Gap } from "./gaps.ts";
import type { Excuse, JobRecord, Seen } from "./ledger.ts";
import type { Random } from "./random.ts";
import { isAfter, Reader } from "./reader.ts";
import { until, type World } from "./world.ts";

export interface JobPlan {
  readonly operation: OperationName;
  readonly input: Readonly<Record<string, unknown>>;
  /** The hive it names, if it does. */
  readonly hive: string;
  readonly expected: string | undefined;
  /** Cancelled when so many tokens were seen. */
  readonly cancelAfter: number | undefined;
  readonly readers: number;
  /** How often a reader's connection is cut: the part of the events after which it is. */
  readonly cuts: number;
}

interface RunContext {
  readonly world: World;
  readonly random: Random;
  readonly gaps: Gap[];
  readonly signal: AbortSignal;
}

/** Every answer the queen owes is given by then; whoever waits longer is waiting for a job that hangs. */
const ANSWER_MS = 150_000;
const AGAIN_MS = 100;

/** One job from its submission to the reading of its log. */
export class JobRun {
  readonly plan: JobPlan;
  readonly excuses = new Set<Excuse>();
  readonly clock: StreamClock;
  job_id = "";
  /** Set when the queen would not have it, with the reason. */
  refusal: string | undefined;
  #cancelled = false;
  #tokens = 0;
  #newest = "0.0";
  readonly #context: RunContext;
  readonly #readers: Reader[] = [];

  constructor(plan: JobPlan, context: RunContext) {
    this.plan = plan;
    this.#context = context;
    this.clock = new StreamClock(plan.hive, context.gaps);
  }

  /** Submits and reads to the end. @returns what there is to judge; `undefined` when it was refused */
  async run(): Promise<JobRecord | undefined> {
    if (!(await this.#submit())) return undefined;
    for (let n = 0; n < this.plan.readers; n++) this.#readers.push(this.#reader(`${n}`));
    await Promise.all(this.#readers.map((reader) => reader.read()));
    this.clock.end();
    return this.#record();
  }

  /** How far it is, for whoever waits for it in vain. */
  describe(): string {
    return `${this.job_id} ${this.plan.operation} on ${this.plan.hive}, ${this.#tokens} tokens seen up to ${this.#newest}`;
  }

  async #submit(): Promise<boolean> {
    const { world, random, signal } = this.#context;
    const idempotencyKey = `chaos-${random.int(0, 2 ** 31)}-${random.int(0, 2 ** 31)}`;
    const { operation, input } = this.plan;
    while (!signal.aborted) {
      try {
        const submitted = await world.house.client().submit(operation, input, { idempotencyKey, signal });
        this.job_id = submitted.job_id;
        return true;
      } catch (error) {
        if (error instanceof RbeeError && !error.retryable) {
          this.refusal = `${error.code} ${error.message}`;
          return false;
        }
        await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
      }
    }
    return false;
  }

  #reader(name: string): Reader {
    const { world, random, signal } = this.#context;
    const dice = random.fork();
    // The first one stays; of the others some go away early.
    const leavesAfter = name !== "0" && dice.chance(0.3) ? dice.int(1, 60) : Infinity;
    const reader: Reader = new Reader({
      name,
      url: () => `${world.house.url}/v1/jobs/${this.job_id}/stream?format=json`,
      key: () => world.house.key,
      signal,
      onEvent: (seen) => {
        this.#heard(seen);
        if (reader.seen.length >= leavesAfter) reader.leave();
        else if (dice.chance(this.plan.cuts)) reader.cut();
      },
    });
    return reader;
  }

  #heard({ position, data }: Seen): void {
    if (!isAfter(position, this.#newest)) return;
    this.#newest = position;
    if ((JSON.parse(data) as JobEvent).type !== "token") return;
    this.#tokens += 1;
    this.clock.midstream = true;
    this.clock.token();
    if (this.#tokens === this.plan.cancelAfter) void this.#cancel();
  }

  async #cancel(): Promise<void> {
    this.#cancelled = true;
    const { world, signal } = this.#context;
    const asked = async () => {
      try {
        await world.house.client().cancel(this.job_id);
        return true;
      } catch {
        return signal.aborted;
      }
    };
    await until(asked, (done) => done, ANSWER_MS);
  }

  async #record(): Promise<JobRecord> {
    const { world, signal } = this.#context;
    const { operation, expected } = this.plan;
    const whole = new Reader({
      name: "checker",
      url: () => `${world.house.url}/v1/jobs/${this.job_id}/stream?format=json`,
      key: () => world.house.key,
      signal,
    });
    await whole.read();
    const view = await until(
      async () =>
        world.house
          .client()
          .get(this.job_id)
          .catch(() => undefined),
      (answer) => answer !== undefined,
      ANSWER_MS,
    );
    return {
      job_id: this.job_id,
      operation,
      expected,
      cancelled: this.#cancelled,
      excuses: this.excuses,
      readers: [...this.#readers, whole],
      log: whole.seen,
      state: view?.state ?? "unknown",
      error_code: view?.error?.code,
    };
  }
}
