import type { JobEvent } from "@rbee/contracts";
import { afterAll, beforeAll, expect, test } from "vitest";
import { House } from "./house.ts";
import { descendants, freeze, killAll, thaw } from "./process.ts";
import { long, story } from "./prompts.ts";
import { runInSlices } from "./slices.ts";

let house: House;

beforeAll(async () => {
  house = await House.open();
});
afterAll(() => house.close());

const enginesOf = (name: string): number[] => descendants(house.hive(name).pid);

/** As the power would: the agent and its workers at once. */
async function powerOff(name: string): Promise<void> {
  killAll(enginesOf(name));
  await house.hive(name).kill("SIGKILL");
}

test.for([
  { what: "text", request: { ...story, max_tokens: 400 }, after: 1 },
  { what: "json", request: long, after: 150 },
])('on_lost "continue": $what goes on at another hive, and is the text of an uninterrupted run', async (row) => {
  const { what, request, after } = row;
  const names = [`${what}-one`, `${what}-two`] as const;
  await Promise.all(names.map((name) => house.startHive(name)));
  const client = house.client();
  const { text: expected } = await client.run("infer", request);
  const engines = names.flatMap(enginesOf);
  freeze(engines);
  const events: JobEvent[] = [];
  const texts: string[] = [];
  let other = "";
  try {
    const { job_id } = await client.submit("infer", { ...request, on_lost: "continue" });
    const { hive_id: lost = "" } = await client.get(job_id);
    other = names.find((name) => name !== lost) ?? "";
    thaw(enginesOf(other));
    const ended = new AbortController();
    const read = (async () => {
      for await (const { event } of client.stream(job_id)) {
        events.push(event);
        if (event.type === "token") texts.push(event.text);
      }
    })().finally(() => ended.abort());
    await runInSlices(enginesOf(lost), () => texts.length >= after, ended.signal);
    await powerOff(lost);
    await read;
  } finally {
    thaw(engines);
  }
  expect(events.find((event) => event.type === "attempt")).toMatchObject({ attempt: 2, hive_id: other });
  expect(texts.join("")).toBe(expected);
  expect(events.at(-1)).toMatchObject({ type: "result", result: { text: expected, hive_id: other } });
  await powerOff(other);
});
