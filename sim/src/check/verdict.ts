import { limits, type JobEvent, type JobLine } from "@rbee/contracts";
import { formatPosition, isEndOfJob, origin } from "@rbee/job-core";
import { tokenOf } from "../scenario/scenario.ts";
import type { Client } from "../world/client.ts";
import { textOf } from "../world/handlers.ts";
import type { World } from "../world/world.ts";
import { entriesOf, phaseOf, type Entry, type StoredPhase } from "./records.ts";
import { checkReaders } from "./readers.ts";

/** Looks at what is left when everything is over: what must hold in the end. */
export function verdict(world: World): void {
  for (const client of world.clients) {
    const stored = client.actor.storage.db.peek("job")[0]?.["phase"] as string | undefined;
    if (stored === undefined) {
      if (client.submission === "refused" && mustBeTaken(world, client))
        world.fail(`${client.job_id} was refused, and nothing was wrong`);
      if (client.submission === "accepted" && !client.isForgotten)
        world.fail(`${client.job_id} was accepted and is not there`);
      continue;
    }
    const job = { client, phase: phaseOf(stored), entries: entriesOf(client.actor.storage.db) };
    checkLog(world, job);
    checkOutcome(world, job);
    checkText(world, job);
    checkReaders(world, job);
  }
  checkBooks(world);
}

/** When every hive has long been there. */
const READY_MS = 200;

const mustBeTaken = ({ scenario }: World, { plan }: Client): boolean =>
  scenario.faults.length === 0 && plan.at >= READY_MS && scenario.hives.every(({ at }) => at === 0);

export interface Judged {
  readonly client: Client;
  readonly phase: StoredPhase;
  readonly entries: readonly Entry[];
}

/** No gap, no repeat, one end, at the end. */
function checkLog(world: World, { client: { job_id }, entries }: Judged): void {
  let last = origin;
  for (const [i, { position, event }] of entries.entries()) {
    const next = position.term === last.term ? last.seq + 1 : 1;
    if (position.seq !== next || position.term < last.term)
      world.fail(`${job_id}: ${formatPosition(position)} follows ${formatPosition(last)} in the log`);
    if (isEndOfJob(event) !== (i === entries.length - 1))
      world.fail(`${job_id}: ${event.type} at ${formatPosition(position)} of ${entries.length} events`);
    if (!isOf(position.term, event)) world.fail(`${job_id}: ${JSON.stringify(event)} at ${formatPosition(position)}`);
    last = position;
  }
  if (entries.length === 0) world.fail(`${job_id} ended without a word`);
}

/** Even terms are the queen's, who neither narrates nor generates; what a hive narrates names its term. */
function isOf(term: number, event: JobEvent): boolean {
  if (event.type === "token" || event.type === "progress") return term % 2 === 1;
  return event.type !== "narration" || event.human.endsWith(`in term ${term}`);
}

const stateOf = (event: JobEvent): string =>
  event.type === "result" ? "succeeded" : event.type === "error" ? "failed" : "cancelled";

/** The end is the one that was written, and one that the scenario can bring about. */
function checkOutcome(world: World, { client, phase, entries }: Judged): void {
  const end = entries.at(-1);
  if (end === undefined) return;
  const { job_id, plan } = client;
  if (stateOf(end.event) !== phase.state) world.fail(`${job_id} is ${phase.state}, its log says ${end.event.type}`);
  if (end.position.term !== phase.term) world.fail(`${job_id} ended in ${phase.term}, its log in ${end.position.term}`);
  if (phase.dispatches > limits.dispatches_max) world.fail(`${job_id} was given away ${phase.dispatches} times`);
  const cancelled = plan.cancels.length > 0 || client.readers.some((reader) => reader.hasCancelled);
  if (phase.state === "cancelled" && !cancelled) world.fail(`${job_id} was cancelled by nobody`);
  if (phase.error?.code === "hive_lost" && plan.continues && world.scenario.hives.every(({ version }) => version === 2))
    world.fail(`${job_id} was lost although it could go on`);
  if (phase.state === "failed" && !plan.fails && world.scenario.faults.length === 0)
    world.fail(`${job_id} failed without a fault: ${phase.error?.code}`);
  // What the queen answers herself may fail for want of an answer of her own.
  if (phase.error?.code === "internal" && phase.dispatches > 0) world.fail(`${job_id} failed as internal`);
  if (phase.state === "succeeded" && plan.fails && plan.operation === "infer")
    world.fail(`${job_id} succeeded although its handler failed`);
}

/** The tokens are the text from its beginning, by one hive or with seams that are told; a success is all of it. */
function checkText(world: World, { client: { job_id, plan }, phase, entries }: Judged): void {
  if (plan.operation !== "infer") return;
  let tokens = 0;
  const terms = new Set<number>();
  for (const { position, event } of entries) {
    if (event.type === "attempt" && event.tokens_kept !== tokens)
      world.fail(`${job_id}: ${tokens} tokens stand before an attempt that tells of ${event.tokens_kept}`);
    if (event.type !== "token") continue;
    if (event.text !== tokenOf(plan, tokens))
      world.fail(`${job_id}: ${JSON.stringify(event.text)} at ${formatPosition(position)} is not token ${tokens}`);
    terms.add(position.term);
    tokens++;
  }
  if (terms.size > 1 && !plan.continues) world.fail(`${job_id} showed tokens in terms ${[...terms].join(", ")}`);
  const end = entries.at(-1)?.event;
  if (phase.state !== "succeeded" || end?.type !== "result") return;
  const { text, usage } = end.result as { text: string; usage: { completion_tokens: number } };
  if (text !== textOf(plan) || tokens !== plan.tokens || usage.completion_tokens !== tokens)
    world.fail(`${job_id} succeeded with ${tokens} of ${plan.tokens} tokens in its log`);
}

/** Every job is counted once, with the end it had. */
function checkBooks(world: World): void {
  const lines = world.registry.storage.db
    .peek("finished_jobs")
    .map((row) => JSON.parse(row["line"] as string) as JobLine);
  for (const line of lines) {
    const client = world.clients.find(({ job_id }) => job_id === line.job_id);
    const stored = client?.actor.storage.db.peek("job")[0]?.["phase"] as string | undefined;
    if (client?.isForgotten === true) continue;
    if (stored === undefined || phaseOf(stored).state !== line.state)
      world.fail(`the registry says ${line.job_id} is ${line.state}, the job ${stored}`);
  }
  const numbers = world.registry.storage.db.peek("finished_jobs").map((row) => row["n"]);
  if (numbers.some((n) => (n as number) > lines.length)) world.fail(`lines ${numbers.join(", ")} of the history`);
  const counted = new Set(lines.map((line) => line.job_id));
  if (counted.size !== lines.length) world.fail(`${lines.length} lines of ${counted.size} jobs`);
  for (const { job_id, actor } of world.clients) {
    const stored = actor.storage.db.peek("job")[0]?.["phase"] as string | undefined;
    // What the queen answers herself takes no place and has no line.
    if (stored !== undefined && phaseOf(stored).dispatches > 0 && !counted.has(job_id))
      world.fail(`${job_id} is not in the books`);
  }
}
