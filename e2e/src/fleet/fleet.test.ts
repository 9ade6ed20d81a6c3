import { afterEach, beforeEach, expect, test } from "vitest";
import { parseExposition, type Parsed } from "../../../queen-edge/src/testing/exposition.ts";
import { BEE_TINY, House } from "../house.ts";
import { descendants, killAll, workersOf } from "../process.ts";
import { Clients } from "./clients.ts";

/** Several real hives with a real model behind one queen. */

let house: House;
beforeEach(async () => {
  house = await House.open();
});
afterEach(() => house.close());

async function metrics(): Promise<Parsed> {
  const answer = await fetch(`${house.url}/metrics`, { headers: { authorization: `Bearer ${house.key}` } });
  return parseExposition(await answer.text());
}

const sumOf = ({ samples }: Parsed, name: string): number =>
  samples.filter((sample) => sample.name === name).reduce((sum, { value }) => sum + value, 0);

/** As the power would: the agent and its workers at once. */
async function powerOff(name: string): Promise<void> {
  const hive = house.hive(name);
  killAll(descendants(hive.pid));
  await hive.kill("SIGKILL");
}

const workers = async () => (await house.client().run("active_worker_list", {})).workers;

test(
  "200 clients, three hives, one of them dies: every request ends right, and nothing is left over",
  { timeout: 240_000 },
  async () => {
    for (const name of ["one", "two", "three"]) await house.startHive(name);
    const slots = (await workers()).reduce((sum, worker) => sum + (worker.hive_id === "two" ? worker.slots : 0), 0);
    const clients = new Clients(house, "bee-tiny");
    const request = { prompt: "Once upon a time", max_tokens: 100 };
    const CLIENTS = 200;
    let over = 0;
    const dead = Promise.withResolvers<void>();
    const endings = await Promise.all(
      Array.from({ length: CLIENTS }, async (_, n) => {
        const ending = await clients.ask(n, request);
        over += 1;
        // In the middle: some are answered, some run, some wait.
        if (over === CLIENTS / 4) void powerOff("two").then(dead.resolve, dead.reject);
        return ending;
      }),
    );
    await dead.promise;
    // Who saw a part of an answer is told that there is no more of it; nobody else notices anything.
    const failed = endings.filter(({ error }) => error !== undefined);
    expect(failed.length).toBeLessThanOrEqual(slots);
    // What ran there, whichever of the ways it was.
    expect(failed.length + sumOf(await metrics(), "rbee_redispatches_total")).toBeGreaterThan(0);
    for (const { way, text, error } of failed) {
      expect([way, text]).toEqual([expect.stringContaining("streamed"), expect.stringMatching(/./)]);
      expect(String(error)).toMatch(/\btwo\b/);
    }
    // All who asked the same way got as many tokens, and a text.
    const answered = endings.filter(({ error }) => error === undefined);
    const tokens = new Set(answered.map(({ way, tokens }) => `${way}: ${tokens}`));
    expect([...tokens].toSorted()).toEqual([
      expect.stringMatching(/^anthropic, whole: \d\d$/),
      "ollama, streamed: 100",
      "openai, streamed: 100",
      "openai, whole: 100",
    ]);
    expect(answered.filter(({ text }) => text.length < 50)).toEqual([]);

    // The queue has drained and no slot is held; who comes next is served at once.
    const left = async () => {
      const now = await metrics();
      const living = (await workers()).filter(({ hive_id }) => hive_id !== "two");
      return [sumOf(now, "rbee_queue_jobs"), sumOf(now, "rbee_jobs_running"), ...living.map((one) => one.slots_busy)];
    };
    // A client has its answer a moment before the books have.
    await expect.poll(left).toEqual([0, 0, 0, 0]);
    const next = await Promise.all(Array.from({ length: 2 * slots }, (_, n) => clients.ask(n, request)));
    expect(next.filter(({ error }) => error !== undefined)).toEqual([]);
  },
);

test("50 first requests at once for a model that nobody has loaded: one load", async () => {
  await house.startHive("one", ["--model-file", BEE_TINY]);
  expect(await workers()).toEqual([]);
  const clients = new Clients(house, "bee-tiny");
  const asked = Array.from({ length: 50 }, (_, n) => clients.ask(n, { prompt: "Once upon a time", max_tokens: 10 }));
  const endings = await Promise.all(asked);
  expect(endings.filter(({ tokens }) => tokens !== 10)).toEqual([]);
  expect(workersOf(house.hive("one").pid)).toHaveLength(1);
  // Counted by the queen, and by who is there: no worker came and went. A client has its answer a moment before the books have.
  const counted = async () => {
    const now = await metrics();
    return [now.valueOf("rbee_model_loads_total"), now.valueOf("rbee_model_unloads_total"), (await workers()).length];
  };
  await expect.poll(counted).toEqual([1, 0, 1]);
});
