import { DurableObject } from "cloudflare:workers";
import {
  limits,
  reaches,
  type ActiveWorker,
  type ApiKey,
  type Check,
  type Inventory,
  type JobLine,
  type KeyLimits,
  type Problem,
  type QueuedJob,
  type UsageBy,
  type UsedKey,
} from "@rbee/contracts";
import { jobId, type Answer, type Holder } from "@rbee/job-http";
import type { Env } from "../env.ts";
import { auditCheck, hivesCheck, storageCheck } from "../queen/checks.ts";
import type { Decision } from "../queen/effects.ts";
import { fleetState } from "../queen/fleet-report.ts";
import { fleetMetrics } from "../queen/fleet-metrics.ts";
import type { JoinToken } from "../queen/join-tokens.ts";
import type { Grant } from "../queen/keys.ts";
import type { Ending } from "../queen/ledger.ts";
import type { Allowances } from "../queen/quotas.ts";
import type { OpenJob, Want } from "../queen/want.ts";
import { exposition } from "../queen/prometheus.ts";
import { Registry } from "../queen/registry.ts";
import type { UsageReport } from "../queen/usage-book.ts";
import { answered, logFailure } from "./answers.ts";
import { CutOffs } from "./cut-offs.ts";
import { durableSql } from "./durable-sql.ts";
import { Presences } from "./presences.ts";
import { RegistryAlarm } from "./registry-alarm.ts";
import { Watchers } from "./watchers.ts";
import { jobOf, type HiveReport, type RegistryPort, type StatusReport } from "./ports.ts";

/** One colony: adapts the platform to `Registry`. */
export class RegistryObject extends DurableObject<Env> implements RegistryPort {
  readonly #registry: Registry;
  readonly #watchers: Watchers;
  readonly #presences: Presences;
  readonly #cutOffs: CutOffs;
  readonly #alarm: RegistryAlarm;
  /** The last question to each job that is not answered. One that asked for a place meanwhile is known: its answer is old. */
  readonly #audits = new Map<string, object>();

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#registry = new Registry(durableSql(ctx.storage));
    this.#presences = new Presences(env, this.#registry.fleet);
    this.#alarm = new RegistryAlarm(ctx.storage, this.#registry);
    this.#watchers = new Watchers(ctx, () => fleetState(this.#registry, Date.now()));
    this.#cutOffs = new CutOffs(env, { registry: this.#registry, watchers: this.#watchers });
  }

  /** Somebody watches. */
  override async fetch(request: Request): Promise<Response> {
    const { searchParams } = new URL(request.url);
    const colony = searchParams.get("colony") ?? "";
    await this.#arm(colony);
    await this.#checkPresence(colony);
    return this.#watchers.accept(searchParams.get("key_id") ?? "");
  }

  override async webSocketMessage(ws: WebSocket): Promise<void> {
    await this.#checkPresence((await this.ctx.storage.get<string>("colony")) ?? "");
    this.#watchers.ready(ws);
  }

  override webSocketClose(ws: WebSocket): void {
    this.#watchers.closed(ws);
  }

  override webSocketError(ws: WebSocket): void {
    this.#watchers.closed(ws);
  }

  async place(colony: string, want: Want, term: number): Promise<Decision> {
    this.#audits.delete(want.job_id);
    const decision = this.#registry.place(want, term, Date.now());
    this.#watchers.changed();
    await this.#arm(colony);
    return decision;
  }

  async release(job_id: string, ending: Ending): Promise<void> {
    if (!this.#registry.release(job_id, ending)) return;
    await this.#drain();
  }

  async hiveConnected(colony: string, hive_id: string, { session, inventory, jobs }: HiveReport): Promise<void> {
    const lost = this.#registry.hiveConnected(hive_id, session, { inventory, jobs, now: Date.now() });
    this.#presences.seen(hive_id);
    for (const { want, term } of lost) {
      this.#later(jobOf(this.env, colony, want.job_id).notThere(term, session, `${hive_id} restarted without the job`));
    }
    await this.#remember(colony);
    await this.#drain();
    await this.#askToRetire();
  }

  async hiveChanged(
    hive_id: string,
    session: number,
    change: { inventory?: Inventory; draining?: boolean },
  ): Promise<void> {
    if (!this.#registry.hiveChanged(hive_id, session, { ...change, now: Date.now() })) return;
    await this.#drain();
    await this.#askToRetire();
  }

  async hiveDisconnected(hive_id: string, session: number): Promise<void> {
    this.#registry.fleet.disconnected(hive_id, session, Date.now());
    await this.#drain();
  }

  async status(colony: string): Promise<StatusReport> {
    await this.#checkPresence(colony);
    return {
      hives: this.#registry.hives(),
      workers: this.#registry.workers(Date.now()),
      queue: this.#registry.counts(),
    };
  }

  async retireWorker(colony: string, worker_id: string, keep: boolean): Promise<Answer<ActiveWorker>> {
    await this.#checkPresence(colony);
    await this.#remember(colony);
    const answer = answered(() => this.#registry.retire(worker_id, { keep, now: Date.now() }));
    this.#watchers.changed();
    await this.#askToRetire();
    return answer;
  }

  /** The hive lets the worker finish and stops it: a job like any other, so that it survives whatever restarts. */
  async #askToRetire(): Promise<void> {
    const due = this.#registry.retirements(Date.now());
    if (due.length === 0) return;
    const colony = (await this.ctx.storage.get<string>("colony")) ?? "";
    for (const { hive_id, worker_id, keep } of due) {
      const job_id = await jobId(this.env.RBEE_SECRET ?? "", undefined);
      const input = { hive_id, worker_id, keep, drain_ms: limits.worker_drain_ms };
      const spec = { job_id, colony, operation: "worker_process_delete", input, key_id: "queen" } as const;
      this.#later(jobOf(this.env, colony, job_id).submit({ ...spec, submitted_at: Date.now() }));
    }
  }

  async check(colony: string): Promise<Check[]> {
    const now = Date.now();
    await this.#checkPresence(colony);
    const alarm = await this.ctx.storage.getAlarm();
    return [
      storageCheck(durableSql(this.ctx.storage), now),
      hivesCheck(this.#registry.hives()),
      auditCheck({ open: this.#registry.openCount, alarm, now }),
    ];
  }

  async usage(by: UsageBy, range: { from: number; to: number }): Promise<UsageReport> {
    return this.#registry.accounts.report(by, range);
  }

  async metrics(): Promise<string> {
    return exposition(fleetMetrics(this.#registry, Date.now()));
  }

  async limitsOf(key_id: string): Promise<KeyLimits> {
    return this.#registry.keys.limitsOf(key_id, Date.now()) ?? {};
  }

  async allowances(key_id: string): Promise<Allowances> {
    return this.#registry.quotas.allowances(key_id, Date.now());
  }

  async jobs(limit: number, { key_id, scope }: Holder): Promise<JobLine[]> {
    return this.#registry.jobs(limit, reaches(scope, "operator") ? undefined : key_id);
  }

  async queue(limit: number): Promise<{ jobs: QueuedJob[]; queued: number }> {
    return { jobs: this.#registry.queue(limit), queued: this.#registry.counts().queued };
  }

  async addKey(colony: string, hash: string, key: ApiKey): Promise<Answer<ApiKey>> {
    const answer = answered(() => {
      this.#registry.keys.add(hash, key);
      return key;
    });
    await this.#arm(colony);
    return answer;
  }

  async keys(): Promise<UsedKey[]> {
    return this.#registry.quotas.keys(Date.now());
  }

  async revokeKey(colony: string, key_id: string): Promise<Answer<{ key_id: string }>> {
    const answer = answered(() => this.#registry.keys.revoke(key_id, Date.now()));
    if ("ok" in answer) this.#later(this.#cutOffs.of(colony, answer.ok));
    await this.#arm(colony);
    return answer;
  }

  async grantOf(hash: string): Promise<Grant | undefined> {
    return this.#registry.keys.use(hash, Date.now());
  }

  async refusal(key_id: string): Promise<Problem | undefined> {
    return this.#registry.quotas.worthless(key_id, Date.now());
  }

  async addToken(hash: string, token: JoinToken): Promise<void> {
    this.#registry.tokens.add(hash, token);
  }

  async enrol(tokenHash: string, hive_id: string): Promise<Answer<{ hive_id: string; gen: number }>> {
    return answered(() => this.#registry.enrol(tokenHash, { hive_id, now: Date.now() }));
  }

  /** Waits that are over end here; and the books are held against the jobs: a release or a notice that was lost is made good. [REG-3] */
  override async alarm(): Promise<void> {
    const colony = (await this.ctx.storage.get<string>("colony")) ?? "";
    const now = Date.now();
    const audit = this.#alarm.rings(now);
    // Armed before the work: whatever fails below, the next alarm comes.
    await this.#arm(colony);
    if (await this.#cutOffs.ended(colony, now)) await this.#alarm.defer();
    if (audit) {
      const old = this.#registry.openJobs().filter(({ want }) => Math.abs(now - want.submitted_at) >= limits.audit_ms);
      for (const open of old) await this.#audit(colony, open).catch(logFailure("notice_failed"));
    }
    await this.#drain();
    await this.#askToRetire();
  }

  async #audit(colony: string, open: OpenJob): Promise<void> {
    const { job_id } = open.want;
    const audit = {};
    this.#audits.set(job_id, audit);
    const current = (): boolean => this.#audits.get(job_id) === audit;
    try {
      const found = await jobOf(this.env, colony, job_id).audit(open);
      if (found === "unknown") {
        if (current()) this.#registry.drop(job_id, Date.now());
      } else if (found !== "open") this.#registry.release(job_id, found);
    } finally {
      if (current()) this.#audits.delete(job_id);
    }
  }

  async #checkPresence(colony: string): Promise<void> {
    if (await this.#presences.check(colony)) this.#watchers.changed();
  }

  /** Tells queued jobs what was decided for them; each notice that is lost is repeated by the audit. */
  async #drain(): Promise<void> {
    const notices = this.#registry.drain(Date.now());
    this.#watchers.changed();
    if (notices.length === 0) return;
    const colony = (await this.ctx.storage.get<string>("colony")) ?? "";
    for (const { job_id, term, decision } of notices) {
      const job = jobOf(this.env, colony, job_id);
      this.#later(
        job.decide(term, decision).then(async (taken) => {
          const open = this.#registry.open(job_id);
          if (!taken && open !== undefined) await this.#audit(colony, open);
        }),
      );
    }
  }

  async #remember(colony: string): Promise<void> {
    if ((await this.ctx.storage.get("colony")) === undefined) await this.ctx.storage.put("colony", colony);
  }

  async #arm(colony: string): Promise<void> {
    await this.#remember(colony);
    await this.#alarm.arm();
  }

  #later(work: Promise<unknown>): void {
    this.ctx.waitUntil(work.catch(logFailure("notice_failed")));
  }
}
