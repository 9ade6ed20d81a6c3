import {
  problemFrom,
  RbeeError,
  narrate,
  type ActiveWorker,
  type ApiKey,
  type Check,
  type Handlers,
  type HiveInfo,
  type InputOf,
  type JobEvent,
  type LastKnownNames,
  type Operations,
  type Outcome,
  type QueuedJob,
  type ResultOf,
  type UsageBy,
  type UsedKey,
} from "@rbee/contracts";
import type { JoinToken } from "./join-tokens.ts";
import type { JobSpec } from "./job-record.ts";
import { searchModels, type Hub } from "./model-search.ts";
import { unknownHive, unknownWorker } from "./unknown.ts";
import type { UsageReport } from "./usage-book.ts";

/** What the queen's own operations may ask for. */
export interface QueenContext {
  status(): Promise<{ hives: HiveInfo[]; workers: ActiveWorker[]; queue: { queued: number; running: number } }>;
  /** The jobs that are served next, and how many wait. */
  queue(limit: number): Promise<{ jobs: QueuedJob[]; queued: number }>;
  /** Makes a join token and stores its hash. @returns the token, which is in this job's result and nowhere else */
  mintToken(token: JoinToken): Promise<string>;
  /** Where the queen was asked. */
  readonly origin: string;
  /** Makes an API key and stores its hash. @returns the key itself, too, which is in this job's result and nowhere else. @throws RbeeError limit_reached */
  makeKey(key: Omit<ApiKey, "key_id">): Promise<ApiKey & { key: string }>;
  keys(): Promise<UsedKey[]>;
  /** @throws RbeeError not_found */
  revokeKey(key_id: string): Promise<void>;
  /** What was used within a time, in milliseconds since the epoch. */
  usage(by: UsageBy, range: { from: number; to: number }): Promise<UsageReport>;
  /** From now on the worker gets nothing new. @throws RbeeError worker_not_found */
  retireWorker(worker_id: string, keep: boolean): Promise<ActiveWorker>;
  /** Looks at everything the queen stands on. */
  check(): Promise<Check[]>;
  readonly hub: Hub;
  /** Milliseconds since the epoch. */
  now(): number;
}

const queenHandlers: Handlers<Operations, "queen", QueenContext> = {
  async *status(_input, queen) {
    return await queen.status();
  },
  async *queue_list({ limit }, queen) {
    return await queen.queue(limit);
  },
  async *hive_list(_input, queen) {
    return { hives: (await queen.status()).hives };
  },
  async *hive_get({ hive_id }, queen) {
    return { hive: await knownHive(hive_id, queen) };
  },
  async *active_worker_list(_input, queen) {
    return { workers: (await queen.status()).workers };
  },
  async *active_worker_get({ worker_id }, queen) {
    const { workers } = await queen.status();
    const worker = workers.find((one) => one.worker_id === worker_id);
    if (worker === undefined) throw new RbeeError("worker_not_found", unknownWorker(worker_id, workers));
    return { worker };
  },
  async *active_worker_retire({ worker_id, keep }, queen) {
    const { hive_id, slots_busy } = await queen.retireWorker(worker_id, keep);
    const running = slots_busy === 0 ? "It runs nothing" : `It finishes ${slots_busy} running`;
    const then = keep ? "and stays" : `and is stopped by ${hive_id} then`;
    return { message: `${worker_id} gets nothing new. ${running} ${then}.` };
  },
  async *queen_check(_input, queen) {
    yield narrate("queen", "queen_check", "Looking at storage, hives, secrets, clock and audit");
    const checks = await queen.check();
    for (const { name, ok, detail } of checks) {
      yield { ...narrate("queen", "queen_check", `${name}: ${detail}`), level: ok ? "info" : "warn" };
    }
    return { checks };
  },
  async *model_search(input, queen) {
    const { hives } = await queen.status();
    return { models: await searchModels(input, { hub: queen.hub, hives }) };
  },
  async *hive_token_create({ label, labels, expires_in }, queen) {
    const expires_at = queen.now() + expires_in * 1000;
    const token = await queen.mintToken({ label, labels, expires_at });
    const install_command = `RBEE_JOIN_TOKEN=${token} npm run hive -- --queen-url ${queen.origin} --models ~/models`;
    return { token, expires_at, install_command };
  },
  async *key_create({ name, scope, expires_in, limits }, queen) {
    const created_at = queen.now();
    const expiry = expires_in === undefined ? {} : { expires_at: created_at + expires_in * 1000 };
    return await queen.makeKey({ name, scope, created_at, ...expiry, ...(limits === undefined ? {} : { limits }) });
  },
  async *key_list(_input, queen) {
    return { keys: await queen.keys() };
  },
  async *key_revoke({ key_id }, queen) {
    await queen.revokeKey(key_id);
    return {
      message: `${key_id} is worthless from now on: its streams of open jobs end, and jobs that it submitted go on, but for those that end with their stream.`,
    };
  },
  async *usage_report({ by, from = 0, to = Number.MAX_SAFE_INTEGER }, queen) {
    return { by, ...(await queen.usage(by, { from, to })) };
  },
};

/** What the queen answers in place of a hive that is away. */
const lastKnown: {
  readonly [K in LastKnownNames<Operations>]: (
    input: InputOf<Operations, K>,
    hive: HiveInfo,
  ) => ResultOf<Operations, K>;
} = {
  hive_status: ({ hive_id }, hive) => ({ hive_id, running: false, last_seen: hive.last_seen }),
  model_list: (_input, hive) => ({ models: hive.models, stale: true }),
  model_get: ({ id }, hive) => {
    const model = hive.models.find((model) => model.id === id);
    if (model === undefined)
      throw new RbeeError("model_not_found", `${hive.hive_id} had no ${id} when it was last seen`);
    return { model, stale: true };
  },
};

export interface QueenAnswer {
  readonly events: readonly JobEvent[];
  readonly outcome: Outcome;
}

/** Runs an operation whose executor is the queen. */
export async function answerOperation({ operation, input }: JobSpec, queen: QueenContext): Promise<QueenAnswer> {
  const handler = (queenHandlers as Record<string, AnyHandler | undefined>)[operation];
  const events: JobEvent[] = [];
  return settle(events, async () => {
    if (handler === undefined) throw new RbeeError("internal");
    const running = handler(input, queen);
    for (;;) {
      const step = await running.next();
      if (step.done === true) return step.value;
      events.push(step.value);
    }
  });
}

/** Answers for a hive that is not connected. */
export async function answerLastKnown({ operation, input }: JobSpec, queen: QueenContext): Promise<QueenAnswer> {
  const answer = (lastKnown as Record<string, AnyAnswer | undefined>)[operation];
  return settle([], async () => {
    if (answer === undefined) throw new RbeeError("internal");
    return answer(input, await knownHive(String(input["hive_id"]), queen));
  });
}

/** The table's types are proven above; a name from a request has lost them. */
type AnyHandler = (input: unknown, queen: QueenContext) => AsyncGenerator<JobEvent, Record<string, unknown>, void>;
type AnyAnswer = (input: unknown, hive: HiveInfo) => Record<string, unknown>;

async function settle(events: JobEvent[], work: () => Promise<Record<string, unknown>>): Promise<QueenAnswer> {
  try {
    return { events, outcome: { status: "succeeded", result: await work() } };
  } catch (error) {
    return { events, outcome: { status: "failed", error: problemFrom(error) } };
  }
}

async function knownHive(hive_id: string, queen: QueenContext): Promise<HiveInfo> {
  const { hives } = await queen.status();
  const hive = hives.find((hive) => hive.hive_id === hive_id);
  if (hive === undefined) throw new RbeeError("hive_not_found", unknownHive(hive_id, hives));
  return hive;
}
