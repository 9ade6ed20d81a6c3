import { setTimeout as delay } from "node:timers/promises";
import type { Amount } from "./amount.ts";
import type { Ask, OnToken, QueenClient, Seen } from "./clients.ts";
import type { Fleet } from "./fleet.ts";
import { median, percentiles, quantile, round, type Percentiles } from "./stats.ts";

const synthetic = (max_tokens: number, every: number): Ask => ({
  model: "synthetic",
  prompt: `every=${every}`,
  max_tokens,
});

/** Checks that a stream brings each of its tokens once and in order, and hands on when each was made. */
function inOrder(onMade: (madeAt: number, at: number) => void = () => undefined): OnToken {
  let expected = 1;
  return (text, at) => {
    const [number, madeAt] = text.split("@");
    if (Number(number) !== expected) throw new Error(`token ${expected} was expected, ${JSON.stringify(text)} came`);
    expected += 1;
    if (madeAt !== undefined) onMade(Number(madeAt), at);
  };
}

/** Runs one generation and checks that it was whole. */
async function whole(queen: QueenClient, ask: Ask, onMade?: (madeAt: number, at: number) => void): Promise<Seen> {
  const seen = await queen.infer(ask, inOrder(onMade));
  if (seen.tokens !== ask.max_tokens) throw new Error(`${seen.tokens} of ${ask.max_tokens} tokens came`);
  return seen;
}

export async function warmUp({ queen }: Fleet, amount: Amount): Promise<void> {
  await jobsFor(queen, { lanes: 4, until: (jobs) => jobs >= amount.warm_jobs });
  await Promise.all(Array.from({ length: 8 }, () => whole(queen, synthetic(2_000, 0))));
}

/**
 * From the request to the first token at the client, less what the worker alone takes for that: the median of asking it
 * directly, in between. The tail of the direct requests is not subtracted, it would flatter.
 */
export async function addedTtft(fleet: Fleet, amount: Amount): Promise<Percentiles & { direct_p50: number }> {
  const { queen } = fleet;
  const worker = fleet.worker("synthetic");
  const through: number[] = [];
  const direct: number[] = [];
  const ask = synthetic(4, 0);
  for (let n = 0; n < amount.ttft_samples; n++) {
    const one = await whole(queen, ask);
    through.push(one.firstAt - one.sentAt);
    const other = await worker.generate(ask);
    direct.push(other.firstAt - other.sentAt);
  }
  const alone = median(direct);
  return { ...percentiles(through.map((ms) => ms - alone)), direct_p50: round(alone) };
}

const RATE = 50;
const EVERY_MS = 1_000 / RATE;
/** A stream that got less than this share of its rate, or fell silent for longer than this, was starved. */
const STARVED_SHARE = 0.95;
const STARVED_GAP_MS = 1_000;

export interface Streams {
  readonly latency: Percentiles;
  readonly slowest_share: number;
  readonly longest_gap_ms: number;
  readonly starved: number;
  readonly tokens: number;
}

/** So many streams at 50 tokens a second; per token, from its making to the client's having it. */
export async function streams({ queen }: Fleet, count: number, amount: Amount): Promise<Streams> {
  const latencies: number[] = [];
  const tokens = amount.stream_seconds * RATE;
  const one = async (n: number) => {
    // Streams of a real fleet do not begin in the same instant.
    await delay((1_000 * n) / count);
    return whole(queen, synthetic(tokens, EVERY_MS), (madeAt, at) => latencies.push(at - madeAt));
  };
  const seen = await Promise.all(Array.from({ length: count }, (_, n) => one(n)));
  const share = ({ firstAt, lastAt }: Seen) => ((tokens - 1) * EVERY_MS) / (lastAt - firstAt);
  const starved = seen.filter((stream) => share(stream) < STARVED_SHARE || stream.gapMs > STARVED_GAP_MS);
  return {
    latency: percentiles(latencies),
    slowest_share: round(Math.min(...seen.map(share))),
    longest_gap_ms: round(Math.max(...seen.map(({ gapMs }) => gapMs))),
    starved: starved.length,
    tokens: count * tokens,
  };
}

const FLOOD_STREAMS = 16;

/** Tokens per second through one queen when the engines make more than anyone can take: the median of some rounds. */
export async function tokensPerSecond({ queen }: Fleet, amount: Amount): Promise<{ per_s: number; tokens: number }> {
  const rates: number[] = [];
  for (let round = 0; round < amount.flood_rounds; round++) {
    const seen = await Promise.all(
      Array.from({ length: FLOOD_STREAMS }, () => whole(queen, synthetic(amount.flood_tokens, 0))),
    );
    const from = Math.min(...seen.map(({ sentAt }) => sentAt));
    const to = Math.max(...seen.map(({ lastAt }) => lastAt));
    rates.push((1_000 * FLOOD_STREAMS * amount.flood_tokens) / (to - from));
  }
  return {
    per_s: Math.round(median(rates)),
    tokens: amount.flood_rounds * FLOOD_STREAMS * amount.flood_tokens,
  };
}

/** Jobs of one token, so many at a time, submission to the end of the stream. */
export async function jobsPerSecond(
  { queen }: Fleet,
  lanes: number,
  amount: Amount,
): Promise<{ per_s: number; jobs: number }> {
  const over = performance.now() + 1_000 * amount.jobs_seconds;
  const start = performance.now();
  const jobs = await jobsFor(queen, { lanes, until: () => performance.now() >= over });
  return { per_s: round((1_000 * jobs) / (performance.now() - start)), jobs };
}

async function jobsFor(
  queen: QueenClient,
  { lanes, until }: { lanes: number; until: (jobs: number) => boolean },
): Promise<number> {
  let jobs = 0;
  const lane = async () => {
    while (!until(jobs)) {
      await whole(queen, synthetic(1, 0));
      jobs += 1;
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return jobs;
}

/**
 * Flat odds over all words keep the small model from ending: it talks nonsense to the end of its context, at the speed of
 * any other text. The seed makes every round the same text.
 */
const LONG: Ask = {
  model: "bee-tiny",
  prompt: "Once upon a time",
  raw: true,
  max_tokens: 1_800,
  temperature: 5,
  top_k: 0,
  top_p: 1,
  min_p: 0,
  seed: 12,
};

/** About an eighth of a second of text: here the way there and back counts. */
const SHORT: Ask = {
  model: "bee-tiny",
  prompt: "Once upon a time",
  raw: true,
  max_tokens: 256,
  temperature: 2,
  seed: 7,
};

export interface Ratio {
  readonly ratio: number;
  readonly direct_tokens_per_s: number;
  readonly tokens: number;
}

export async function endToEnd(fleet: Fleet, amount: Amount): Promise<{ long: Ratio; short: Ratio }> {
  return { long: await ratioOf(fleet, LONG, amount), short: await ratioOf(fleet, SHORT, amount) };
}

/** Tokens per second of the real model through the queen, divided by those of the same worker asked directly, in turns. */
async function ratioOf(fleet: Fleet, ask: Ask, amount: Amount): Promise<Ratio> {
  const worker = fleet.worker(ask.model);
  const { worker_id } = worker;
  const rate = ({ tokens, sentAt, endedAt }: Seen) => (1_000 * tokens) / (endedAt - sentAt);
  const through = async () => fleet.queen.infer({ ...ask, worker_id });
  const alone = async () => worker.generate(ask);
  // Warms the prompt's cache: evaluated or cached, its odds differ in the last digits, and with them the text.
  await alone();
  const { tokens } = await alone();
  const ratios: number[] = [];
  const direct: number[] = [];
  for (let turn = 0; turn < amount.ratio_rounds; turn++) {
    // Each goes first as often as the other.
    const [one, other] = turn % 2 === 0 ? [through, alone] : [alone, through];
    const pair = [await one(), await other()] as const;
    if (pair.some((seen) => seen.tokens !== tokens)) throw new Error("not the same text every time");
    const [queens, own] = turn % 2 === 0 ? pair : ([pair[1], pair[0]] as const);
    ratios.push(rate(queens) / rate(own));
    direct.push(rate(own));
  }
  return { ratio: round(median(ratios)), direct_tokens_per_s: Math.round(median(direct)), tokens };
}

/** The largest of a few looks: memory of a process comes and goes. */
export async function residentMb(pid: number, read: (pid: number) => Promise<number>): Promise<number> {
  const seen: number[] = [];
  for (let look = 0; look < 5; look++) {
    seen.push(await read(pid));
    await delay(200);
  }
  return Math.round(quantile(seen, 1) / 1024 ** 2);
}
