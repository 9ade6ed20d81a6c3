import { limits, ModelId, parseInput, RbeeError, type JobEvent, type OperationName } from "@rbee/contracts";
import { isEndOfJob, origin } from "@rbee/job-core";
import { authorizeSubmission, jobId, withSession } from "@rbee/job-http";
import { okOf } from "../../durable/answers.ts";
import { jobOf } from "../../durable/ports.ts";
import type { ReaderRequest } from "../../reader-socket.ts";
import { openReader } from "../open-reader.ts";
import type { ApiCaller } from "./caller.ts";
import { JobReader } from "./reader.ts";

/** What a request of some other API is here. */
export interface ApiRequest {
  readonly operation: OperationName;
  readonly input: Readonly<Record<string, unknown>>;
  /** Several jobs of one request: which one this is. */
  readonly part?: number;
  /** Its client sees nothing before all of it is there: should a hive be lost, another one goes on with the answer. [API-4] */
  readonly whole?: boolean;
}

/** Submits a job and leaves it to itself. @throws RbeeError */
export async function submitJob(caller: ApiCaller, request: ApiRequest): Promise<string> {
  const { spec, job } = await prepare(caller, request);
  okOf(await job.submit(spec));
  return spec.job_id;
}

async function prepare(caller: ApiCaller, { operation, input: asked, part = 0, whole = false }: ApiRequest) {
  const { env, principal, secret, idempotency } = caller;
  const { colony, key_id } = principal;
  const { model } = asked;
  if (typeof model === "string" && !ModelId.safeParse(model).success)
    throw new RbeeError("model_not_found", `The model '${model.slice(0, 128)}' does not exist here`);
  // Answers that may call tools cannot be continued; those fail, and say that trying again helps.
  const input = whole && asked["tools"] === undefined ? { ...asked, on_lost: "continue" } : asked;
  const submission = withSession({ operation, input: parseInput(operation, { ...input }) }, caller.headers);
  authorizeSubmission(principal, submission);
  const named = idempotency === undefined ? undefined : `api ${part} ${idempotency}`;
  const job_id = await jobId(secret, named === undefined ? undefined : { colony, key_id, idempotency: named });
  const spec = {
    job_id,
    colony,
    key_id,
    ...submission,
    submitted_at: Date.now(),
  };
  return { spec, job: jobOf(env, colony, job_id) };
}

/** A job that answers a request: it ends with its client, unless the client may come back for it. [API-1] */
export class ApiJob {
  readonly id: string;
  readonly #reader: JobReader;
  readonly #caller: ApiCaller;

  private constructor(id: string, reader: JobReader, caller: ApiCaller) {
    this.id = id;
    this.#reader = reader;
    this.#caller = caller;
    caller.signal.addEventListener("abort", () => this.leave());
    if (caller.signal.aborted) this.leave();
  }

  /** @throws RbeeError */
  static async start(caller: ApiCaller, request: ApiRequest): Promise<ApiJob> {
    const { spec, job } = await prepare(caller, request);
    const submitting = job.submit(spec);
    // The reader's way to the job is opened while the job is still looking for its place.
    const cancels = caller.resumable ? "alone" : "always";
    const opening = open(caller, spec.job_id, { cancels, submitting: true });
    const answer = await submitting;
    if ("problem" in answer) {
      void opening.then((reader) => reader?.close()).catch(() => undefined);
      throw RbeeError.fromProblem(answer.problem);
    }
    const reader = (await opening) ?? (await open(caller, spec.job_id, { cancels, submitting: false }));
    if (reader === undefined) throw new RbeeError("unavailable");
    return new ApiJob(spec.job_id, reader, caller);
  }

  /** Looks on at a job from its beginning; leaving it changes nothing. @throws RbeeError job_not_found */
  static async watch(caller: ApiCaller, job_id: string): Promise<ApiJob> {
    const reader = await open(caller, job_id, { cancels: false, submitting: false });
    if (reader === undefined) throw new RbeeError("job_not_found", `no job ${job_id}`);
    return new ApiJob(job_id, reader, caller);
  }

  /** Events up to the job's last. @throws RbeeError what the job failed with */
  async *events(): AsyncGenerator<JobEvent, void, void> {
    for await (const { event } of this.#reader.events()) {
      if (isEndOfJob(event)) this.#reader.end();
      if (event.type === "error") throw RbeeError.fromProblem(event);
      if (event.type === "state" && event.state === "cancelled") throw new RbeeError("cancelled");
      this.#caller.patience.hear(event);
      yield event;
      if (event.type === "result") return;
    }
    throw new RbeeError("unavailable", "the line to the job broke");
  }

  /** The client is gone. [API-1] */
  leave(): void {
    if (!this.#caller.resumable) return this.#reader.leave();
    // Somebody who reads the job by then keeps it alive.
    this.#caller.later(delay(limits.api_grace_ms).then(() => this.#reader.leave()));
  }
}

async function open(
  caller: ApiCaller,
  job_id: string,
  how: Pick<ReaderRequest, "cancels" | "submitting">,
): Promise<JobReader | undefined> {
  const reader = await openReader(caller, job_id, { format: "json", after: origin, resume: false, ...how });
  return reader === undefined || reader === "read" ? undefined : new JobReader(reader);
}

export const delay = async (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
