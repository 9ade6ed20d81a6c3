import { JobClient } from "@rbee/sdk";
import { afterAll, beforeAll, expect, test } from "vitest";
import { House } from "../house.ts";
import { freeze, thaw, workersOf } from "../process.ts";
import { pacedRequest, startPaced } from "./paced.ts";

/** A script that queues everything at once takes no more of a fleet than anyone else who has work for it. [FAIR-1] */

const HIVES = ["one", "two", "three"];
const SLOTS = 2;
const TOKENS = 20;
const EVERY_MS = 20;
const jobsOf = { script: 190, anna: 60, ben: 60 };
type Name = keyof typeof jobsOf;

let house: House;
beforeAll(async () => {
  house = await House.open();
  for (const name of HIVES) await startPaced(house, name, SLOTS);
});
afterAll(() => house.close());

async function keyOf(name: Name): Promise<{ key_id: string; client: JobClient }> {
  const { key_id, key } = await house.client().run("key_create", { name });
  return { key_id, client: new JobClient({ url: house.url, key }) };
}

/** One job as its client sees it. */
interface Span {
  readonly queued: number;
  readonly began: number;
  readonly ended: number;
  readonly tokens: number;
}

async function work(client: JobClient, count: number): Promise<Span[]> {
  const request = pacedRequest(count, TOKENS, EVERY_MS);
  const one = async (): Promise<Span> => {
    const [queued, began] = [Promise.withResolvers<number>(), Promise.withResolvers<number>()];
    const { usage } = await client.run("infer", request, {
      onEvent: (event) => {
        queued.resolve(performance.now());
        if (event.type === "token") began.resolve(performance.now());
      },
    });
    const ended = performance.now();
    return { queued: await queued.promise, began: await began.promise, ended, tokens: usage.completion_tokens };
  };
  return Promise.all(Array.from({ length: count }, one));
}

/** Slot time that each had while all of them had work waiting, and how many jobs that was in all. */
function shares(spans: readonly (readonly Span[])[]): { held: number[]; jobs: number } {
  const all = spans.flat();
  const queued = Math.max(...all.map((span) => span.queued));
  // What ran when the last one came began while somebody had nothing waiting, and took what it took: whose that was is
  // charged for it, and level again when it is served anew.
  const anew = (of: readonly Span[]) => of.map(({ began }) => began).filter((began) => began > queued);
  const from = Math.max(...spans.map((of) => anew(of).toSorted((a, b) => a - b)[SLOTS - 1] ?? Infinity));
  const until = Math.min(...spans.map((of) => Math.max(...of.map(({ began }) => began))));
  const within = ({ began, ended }: Span) => Math.max(0, Math.min(ended, until) - Math.max(began, from));
  const held = spans.map((of) => of.reduce((sum, span) => sum + within(span), 0));
  return { held, jobs: all.filter((span) => within(span) > 0).length };
}

const tokensOf = (spans: readonly Span[]): number => spans.reduce((sum, { tokens }) => sum + tokens, 0);

test(
  "three keys, three hives: equal shares within 10 % while all have work waiting, and accounts of each",
  { timeout: 120_000 },
  async () => {
    const keys = { script: await keyOf("script"), anna: await keyOf("anna"), ben: await keyOf("ben") };
    const names = Object.keys(jobsOf) as Name[];
    const submitted = async (name: Name) => {
      const working = work(keys[name].client, jobsOf[name]);
      await expect.poll(async () => (await keys[name].client.list({ limit: 200 })).length).toBe(jobsOf[name]);
      return { working };
    };
    const all = async () => {
      // Everything of the script's is there before anyone else comes.
      const script = await submitted("script");
      return [script, ...(await Promise.all([submitted("anna"), submitted("ben")]))] as const;
    };
    // Frozen: none is through with the script's work before everyone has theirs waiting.
    const engines = HIVES.flatMap((name) => workersOf(house.hive(name).pid));
    freeze(engines);
    const [script, anna, ben] = await all().finally(() => thaw(engines));
    const [ofScript, ofAnna, ofBen] = await Promise.all([script.working, anna.working, ben.working]);

    // A key sees its own jobs and no other.
    for (const name of names)
      expect([name, (await keys[name].client.list({ limit: 200 })).length]).toEqual([name, jobsOf[name]]);

    // Fair is slot time: how long a job takes is not the queen's to say.
    const { held, jobs } = shares([ofScript, ofAnna, ofBen]);
    expect(jobs).toBeGreaterThan(jobsOf.anna);
    const fair = held.reduce((sum, ms) => sum + ms, 0) / names.length;
    for (const ms of held) expect(Math.abs(ms - fair) / fair, `slot time ${held.join(", ")}`).toBeLessThanOrEqual(0.1);

    const used = async () => {
      const { rows } = await house.client().run("usage_report", { by: "key" });
      return Object.fromEntries(rows.map(({ name, jobs, completion_tokens }) => [name, { jobs, completion_tokens }]));
    };
    // A client has its answer a moment before the books have.
    await expect.poll(used).toEqual({
      [keys.script.key_id]: { jobs: jobsOf.script, completion_tokens: tokensOf(ofScript) },
      [keys.anna.key_id]: { jobs: jobsOf.anna, completion_tokens: tokensOf(ofAnna) },
      [keys.ben.key_id]: { jobs: jobsOf.ben, completion_tokens: tokensOf(ofBen) },
    });
  },
);
