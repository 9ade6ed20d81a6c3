import { JobClient } from "@rbee/sdk";
import { afterAll, beforeAll, expect, test } from "vitest";
import { House } from "../house.ts";
import { pacedRequest, startPaced } from "./paced.ts";

/** A script that queues everything at once takes no more of a fleet than anyone else who has work for it. [FAIR-1] */

const SLOTS = 2;
const TOKENS = 20;
const EVERY_MS = 20;
const jobsOf = { script: 190, anna: 60, ben: 60 };
type Name = keyof typeof jobsOf;

let house: House;
beforeAll(async () => {
  house = await House.open();
  for (const name of ["one", "two", "three"]) await startPaced(house, name, SLOTS);
});
afterAll(() => house.close());

async function keyOf(name: Name): Promise<{ key_id: string; client: JobClient }> {
  const { key_id, key } = await house.client().run("key_create", { name });
  return { key_id, client: new JobClient({ url: house.url, key }) };
}

/** @returns tokens that the answers say were made */
async function work(client: JobClient, count: number): Promise<number> {
  const request = pacedRequest(count, TOKENS, EVERY_MS);
  const answers = await Promise.all(Array.from({ length: count }, () => client.run("infer", request)));
  return answers.reduce((sum, { usage }) => sum + usage.completion_tokens, 0);
}

test(
  "three keys, three hives: equal shares within 10 % while all have work waiting, and accounts of each",
  { timeout: 120_000 },
  async () => {
    const queued = async () => (await house.client().run("queue_list", { limit: 1 })).queued;
    const keys = { script: await keyOf("script"), anna: await keyOf("anna"), ben: await keyOf("ben") };
    const names = Object.keys(jobsOf) as Name[];
    const script = work(keys.script.client, jobsOf.script);
    // Everything of the script's is there before anyone else comes.
    await expect.poll(queued).toBeGreaterThan(100);
    await expect.poll(async () => (await keys.script.client.list({ limit: 200 })).length).toBe(jobsOf.script);
    const [ofScript, ofAnna, ofBen] = await Promise.all([
      script,
      work(keys.anna.client, jobsOf.anna),
      work(keys.ben.client, jobsOf.ben),
    ]);

    // A key sees its own jobs and no other.
    const lines = new Map<Name, { submitted_at: number; finished_at: number }[]>();
    for (const name of names) {
      const listed = await keys[name].client.list({ limit: 200 });
      expect([name, listed.length]).toEqual([name, jobsOf[name]]);
      lines.set(
        name,
        listed.map(({ submitted_at, finished_at = Infinity }) => ({ submitted_at, finished_at })),
      );
    }

    // What began after the last one was queued and before the first key had nothing waiting any more.
    const ends = (name: Name) => (lines.get(name) ?? []).map((job) => job.finished_at).toSorted((a, b) => a - b);
    const queuedAt = Math.max(...names.flatMap((name) => (lines.get(name) ?? []).map((job) => job.submitted_at)));
    const inFlight = 3 * SLOTS;
    const ofEarlier = names.flatMap(ends).filter((end) => end > queuedAt);
    const from = ofEarlier.toSorted((a, b) => a - b)[inFlight - 1] ?? 0;
    const until = Math.min(...names.map((name) => ends(name).at(-1 - inFlight) ?? 0));
    const served = names.map((name) => ends(name).filter((end) => end > from && end <= until).length);
    const fair = served.reduce((sum, jobs) => sum + jobs, 0) / names.length;
    expect(fair).toBeGreaterThan(jobsOf.anna / 2);
    for (const jobs of served)
      expect(Math.abs(jobs - fair) / fair, `shares ${served.join(", ")}`).toBeLessThanOrEqual(0.1);

    const used = async () => {
      const { rows } = await house.client().run("usage_report", { by: "key" });
      return Object.fromEntries(rows.map(({ name, jobs, completion_tokens }) => [name, { jobs, completion_tokens }]));
    };
    // A client has its answer a moment before the books have.
    await expect.poll(used).toEqual({
      [keys.script.key_id]: { jobs: jobsOf.script, completion_tokens: ofScript },
      [keys.anna.key_id]: { jobs: jobsOf.anna, completion_tokens: ofAnna },
      [keys.ben.key_id]: { jobs: jobsOf.ben, completion_tokens: ofBen },
    });
  },
);
