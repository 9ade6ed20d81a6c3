import { DurableObject } from "cloudflare:workers";
import {
  closes,
  LaneUpMessage,
  operationOf,
  parseFrame,
  PING,
  PONG,
  RbeeError,
  type CancelAnswer,
  type JobView,
  type LaneDown,
  type LaneUp,
} from "@rbee/contracts";
import { isEnded, isSameRequest, viewOf, type JobSpec, type Sql } from "@rbee/job-core";
import { maySee, type Answer, type Holder } from "@rbee/job-http";
import type { Env } from "../env.ts";
import { answerOperation, answerLastKnown } from "../queen/answer.ts";
import type { Decision, Effect } from "../queen/effects.ts";
import { opOf } from "../queen/continuation.ts";
import { Job } from "../queen/job.ts";
import type { Ending } from "../queen/ledger.ts";
import type { OpenJob } from "../queen/want.ts";
import { endingOf } from "../queen/views.ts";
import { readerPrincipal } from "../reader-socket.ts";
import { seal } from "../seal.ts";
import { wantWithSession } from "../session-keys.ts";
import { logFailure } from "./answers.ts";
import { durableSql } from "./durable-sql.ts";
import { hiveOf, registryOf, type JobPort } from "./ports.ts";
import { queenContext } from "./queen-context.ts";
import { ABNORMAL, Lanes } from "./lanes.ts";
import { Readers } from "./readers.ts";

/** One job: adapts the Durable Object platform to `Job`. */
export class JobObject extends DurableObject<Env> implements JobPort {
  readonly #sql: Sql;
  readonly #readers: Readers;
  readonly #lanes: Lanes;
  #job: Job | undefined;
  /** The hive's session that is given the job's present term. Forgotten with the object: then it may be given it twice. */
  #givenIn: Promise<number | undefined> = Promise.resolve(undefined);
  /** Resolves when a silent hive's line is closed: who asks for a place before is given the same one. */
  #hungUp: Promise<void> = Promise.resolve();
  /** Two submits with one idempotency key at once: the second waits for the first. */
  #submitting: Promise<Answer<{ created: boolean }>> | undefined;
  /** Resolves when a submit has been answered. The submitter's own reader arrives beside it, in any order. */
  readonly #submitted = Promise.withResolvers<void>();

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#sql = durableSql(ctx.storage);
    this.#readers = new Readers(ctx);
    this.#lanes = new Lanes(ctx);
    ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair(PING, PONG));
    this.#job = Job.load(this.#sql);
    // Awake without the lane that this job should have: nobody told when it broke.
    if (this.#job !== undefined) this.#mayBeWithoutLane(this.#job);
  }

  async submit(spec: JobSpec, origin = ""): Promise<Answer<{ created: boolean }>> {
    while (this.#submitting !== undefined) await this.#submitting.catch(() => undefined);
    if (this.#job !== undefined) {
      if (isSameRequest(this.#job.spec, spec)) return { ok: { created: false } };
      return { problem: new RbeeError("idempotency_conflict").toProblem() };
    }
    this.#submitting = this.#admit(spec, origin);
    try {
      return await this.#submitting;
    } finally {
      this.#submitting = undefined;
      this.#submitted.resolve();
    }
  }

  async #admit(spec: JobSpec, origin: string): Promise<Answer<{ created: boolean }>> {
    const row = operationOf(spec.operation);
    if (row.executor === "queen") {
      const problem = await registryOf(this.env, spec.colony).refusal(spec.key_id);
      if (problem !== undefined) return { problem };
      const answer = await answerOperation(spec, queenContext(this.env, { colony: spec.colony, origin }));
      return this.#begin(Job.answered(this.#sql, spec, answer));
    }
    const want = await wantWithSession(this.env.RBEE_SECRET ?? "", spec);
    const decision = await registryOf(this.env, spec.colony).place(spec.colony, want, 0);
    if (decision.kind !== "refused") return this.#begin(Job.submit(this.#sql, spec, { decision, now: Date.now() }));
    if (row.offline !== "last_known" || decision.problem.code !== "hive_offline") return { problem: decision.problem };
    const answer = await answerLastKnown(spec, queenContext(this.env, { colony: spec.colony, origin }));
    return this.#begin(Job.answered(this.#sql, spec, answer));
  }

  #begin([job, effects]: [Job, Effect[]]): Answer<{ created: boolean }> {
    this.#job = job;
    this.#run(effects);
    return { ok: { created: true } };
  }

  /** The job, if this key may see it. [KEY-4] */
  #for(who: Holder): Job | undefined {
    return this.#job !== undefined && maySee(who, this.#job.spec) ? this.#job : undefined;
  }

  async view(who: Holder): Promise<JobView | undefined> {
    const job = this.#for(who);
    return job && viewOf(job, this.#takenUp(job));
  }

  async request(who: Holder): Promise<JobSpec | undefined> {
    return this.#for(who)?.spec;
  }

  async forget(who: Holder): Promise<boolean> {
    const job = this.#for(who);
    const ended = job !== undefined && isEnded(job.phase);
    if (ended) this.#run([{ do: "forget" }]);
    return ended;
  }

  async cancel(who: Holder): Promise<CancelAnswer | undefined> {
    const job = this.#for(who);
    if (job === undefined) return undefined;
    this.#run(job.cancel(Date.now()));
    return { job_id: job.spec.job_id, status: isEnded(job.phase) ? job.phase.state : "cancelling" };
  }

  async dismiss(key_id: string): Promise<void> {
    if (this.#readers.dismiss(key_id)) this.#run(this.#job?.cancel(Date.now()) ?? []);
  }

  async decide(term: number, decision: Decision): Promise<boolean> {
    // A place may be decided while the answer "wait" is still on its way here.
    await this.#submitting?.catch(() => undefined);
    const effects = this.#job?.decide(term, decision, Date.now());
    if (effects !== undefined) this.#run(effects);
    return effects !== undefined;
  }

  async notThere(term: number, session: number, reason: string): Promise<void> {
    const givenIn = await this.#givenIn;
    const job = this.#job;
    // A session later than the one that was given the job. When that is not known, what was taken up is left to the lease.
    const lost = job !== undefined && (givenIn === undefined ? !this.#takenUp(job) : session > givenIn);
    if (lost) this.#run(job.notThere(term, reason, Date.now()));
  }

  async prelude(hive_id: string, term: number, frames: readonly LaneUp[]): Promise<LaneDown[]> {
    const job = this.#job;
    if (job?.phase.state !== "placed" || job.phase.term !== term || job.phase.hive_id !== hive_id) return [];
    const now = Date.now();
    const effects = job.hear(frames, now);
    this.#run([...effects.filter((effect) => effect.do !== "say"), ...job.heard(now)]);
    return effects.flatMap((effect) => (effect.do === "say" ? [effect.message] : []));
  }

  async audit(open: OpenJob): Promise<"open" | "unknown" | Ending> {
    const job = this.#job;
    if (job === undefined) return this.#submitting === undefined ? "unknown" : "open";
    if (isEnded(job.phase)) return endingOf(job.log, job.phase);
    // The news of a place was lost on its way here.
    if (job.phase.state === "queued" && open.placement !== undefined && open.term > job.phase.term) {
      await this.decide(open.term - 1, { kind: "placed", placement: open.placement });
    }
    return "open";
  }

  /** Two kinds of socket arrive here: a hive's lane, and the Worker on behalf of a reader. */
  override async fetch(request: Request): Promise<Response> {
    const url = new URL(request.url);
    if (this.#job === undefined && url.searchParams.has("submitting")) await this.#submitted.promise;
    const lane = url.pathname === "/lane";
    const job = lane ? this.#job : this.#for(readerPrincipal(url));
    if (job === undefined) return new Response(null, { status: 404 });
    return lane ? this.#lanes.accept(url, job.phase) : this.#readers.accept(url, job);
  }

  override webSocketMessage(ws: WebSocket, data: string | ArrayBuffer): void {
    const job = this.#job;
    const term = this.#lanes.termOf(ws);
    if (job === undefined) return this.#lanes.close(ws, closes.stale_term);
    if (term === undefined) return this.#readers.confirmed(ws, data, job);
    if (isEnded(job.phase) || term !== job.phase.term) return this.#lanes.close(ws, closes.stale_term);
    try {
      this.#lanes.heard(ws, term, Date.now());
      this.#run(job.hear([parseFrame(LaneUpMessage, data)].flat(), Date.now()));
    } catch (error) {
      if (this.#lanes.refuse(ws, error)) return this.#mayBeWithoutLane(job);
      // What is in memory may not be what is stored: begin again from what is.
      logFailure("lane_failed")(error);
      this.ctx.abort("a lane frame could not be taken");
    }
  }

  override webSocketClose(ws: WebSocket, code: number): void {
    const job = this.#job;
    if (this.#readers.closed(ws, code) && job !== undefined) return this.#run(job.cancel(Date.now()));
    const term = this.#lanes.termOf(ws);
    if (job !== undefined && term === job.phase.term) this.#mayBeWithoutLane(job);
  }

  override webSocketError(ws: WebSocket): void {
    this.webSocketClose(ws, ABNORMAL);
  }

  override async alarm(): Promise<void> {
    if (this.#job !== undefined) this.#run(this.#job.alarm(Date.now(), this.#lanes.heardAt()));
  }

  /** Its hive gets a lease from now to dial another. [JOB-7] */
  #mayBeWithoutLane(job: Job): void {
    if (this.#lanes.open() === undefined) this.#run(job.laneGone(Date.now()));
  }

  #takenUp = (job: Job): boolean =>
    this.#lanes.open() !== undefined || (job.phase.state === "placed" && job.log.acked > 0);

  /** What one event brings about goes out once: one message to the hive, one to each reader, one alarm. */
  #run(effects: readonly Effect[]): void {
    this.#readers.show(effects.flatMap((effect) => (effect.do === "show" ? effect.entries : [])));
    this.#lanes.say(effects.flatMap((effect) => (effect.do === "say" ? [effect.message] : [])));
    for (const effect of effects) if (effect.do === "tell") this.#readers.tell(effect.notice);
    const alarm = effects.findLast((effect) => effect.do === "alarm");
    if (alarm !== undefined) this.#later(this.ctx.storage.setAlarm(alarm.at));
    for (const effect of effects) this.#carryOut(effect);
  }

  #carryOut(effect: Effect): void {
    switch (effect.do) {
      case "show":
      case "say":
      case "tell":
      case "alarm":
        return;
      case "close_lane":
        return this.#lanes.closeOpen(closes[effect.why]);
      case "deliver":
        return this.#later((this.#givenIn = this.#deliver(effect).catch(logFailure("effect_failed"))));
      case "cancel":
        return this.#later(this.#cancelOnHive(effect));
      case "hang_up":
        return this.#later((this.#hungUp = this.#hangUp(effect)));
      case "place":
        return this.#later(this.#place());
      case "release":
        return this.#later(this.#release());
      case "forget":
        this.#job = undefined;
        return this.#later(this.ctx.storage.deleteAll());
    }
  }

  /** Work whose loss the alarm or the registry's audit makes good: a failure here is not an error of the caller. */
  #later(work: Promise<unknown>): void {
    this.ctx.waitUntil(work.catch(logFailure("effect_failed")));
  }

  async #deliver({ hive_id, term }: Extract<Effect, { do: "deliver" }>): Promise<number | undefined> {
    const job = this.#job;
    if (job?.phase.state !== "placed" || job.phase.term !== term) return undefined;
    const { phase, spec, log } = job;
    const { job_id, colony } = spec;
    const lane_token = await seal(this.env.RBEE_SECRET ?? "", "lane", { colony, job_id, term, hive_id });
    const op = opOf(spec, phase, { log, lane_token });
    const session = await hiveOf(this.env, colony, hive_id).deliver({ colony, hive_id }, JSON.stringify(op));
    if (session === undefined) this.#run(job.notThere(term, `${hive_id} is not connected`, Date.now()));
    return session;
  }

  /** Only the line that the operation went down: a later one has done nothing wrong. */
  async #hangUp({ hive_id }: Extract<Effect, { do: "hang_up" }>): Promise<void> {
    const colony = this.#job?.spec.colony ?? "";
    await hiveOf(this.env, colony, hive_id).hangUp({ colony, hive_id }, (await this.#givenIn) ?? Infinity);
  }

  async #cancelOnHive({ hive_id, term }: Extract<Effect, { do: "cancel" }>): Promise<void> {
    const job = this.#job;
    if (this.#lanes.open() !== undefined) return this.#lanes.say([{ t: "cancel" }]);
    if (job === undefined) return;
    const { job_id, colony } = job.spec;
    await hiveOf(this.env, colony, hive_id).deliver({ colony, hive_id }, JSON.stringify({ t: "cancel", job_id, term }));
  }

  async #place(): Promise<void> {
    await this.#hungUp.catch(() => undefined);
    const job = this.#job;
    if (job === undefined || job.phase.state !== "queued") return;
    const { term } = job.phase;
    const want = await wantWithSession(this.env.RBEE_SECRET ?? "", job.spec, job.phase);
    const decision = await registryOf(this.env, job.spec.colony).place(job.spec.colony, want, term);
    const effects = job.decide(term, decision, Date.now());
    if (effects === undefined && isEnded(job.phase)) return this.#release();
    this.#run(effects ?? []);
  }

  async #release(): Promise<void> {
    const job = this.#job;
    if (job === undefined || !isEnded(job.phase) || operationOf(job.spec.operation).executor === "queen") return;
    await registryOf(this.env, job.spec.colony).release(job.spec.job_id, endingOf(job.log, job.phase));
  }
}
