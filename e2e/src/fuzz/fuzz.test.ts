import { expect, onTestFinished, test } from "vitest";
import { House } from "../house.ts";
import { fuzzAgent } from "./agent.ts";
import { send } from "./raw.ts";
import { fuzz } from "./run.ts";

/** A short run that is the same every time; `npm run fuzz` goes on where this ends. */
const SEED = 20_261_121;

test("malformed frames and requests harm neither the queen nor anybody she serves", async () => {
  const { inputs } = await fuzz({ inputs: 3_000, seed: SEED });
  for (const count of Object.values(inputs)) expect(count).toBeGreaterThan(100);
});

test("malformed frames of a queen do not harm an agent", async () => {
  expect((await fuzzAgent({ inputs: 1_000, seed: SEED })).frames).toBeGreaterThan(500);
});

test("a request to what is no host is refused, and no failure of the queen", async () => {
  const house = await House.open();
  onTestFinished(() => house.close());
  const hosts = ["a\r\nHost: b", "a b", "a:999999", ""];
  await Promise.all(hosts.map((host) => send(house, Buffer.from(`GET /health HTTP/1.1\r\nHost: ${host}\r\n\r\n`))));
  expect(house.queenStderr).toBe("");
});
