import parsePrometheus from "parse-prometheus-text-format";
import { expect } from "vitest";
import { ask, model, question, test, tooLong } from "../apis/testing.ts";
import { BEE_TINY, type House } from "../house.ts";

/** The fleet's figures after a day with everything in it, as a parser reads them that nobody here wrote. */

async function scrape(house: House) {
  const answered = await fetch(`${house.url}/metrics`, { headers: { authorization: `Bearer ${house.key}` } });
  expect(answered.headers.get("content-type")).toContain("version=0.0.4");
  const families = parsePrometheus(await answered.text());
  const only = (name: string, labels: Readonly<Record<string, string>> = {}) => {
    const { metrics = [] } = families.find((family) => family.name === name) ?? {};
    const found = metrics.filter((metric) => Object.entries(labels).every(([key, of]) => metric.labels?.[key] === of));
    expect([name, labels, found.length]).toEqual([name, labels, 1]);
    return found[0];
  };
  return {
    value: (name: string, labels?: Readonly<Record<string, string>>) => Number(only(name, labels)?.value),
    histogram: (name: string) => ({ count: Number(only(name)?.count), sum: Number(only(name)?.sum) }),
  };
}

test("every figure of the fleet is there, and right", async ({ house, openai }) => {
  const gone = await house.startHive("burrow", ["--model-file", BEE_TINY]);
  const client = house.client();
  const chat = { model, messages: ask(question), temperature: 0 };
  const began = performance.now();
  const answers = [await openai.chat.completions.create(chat), await openai.chat.completions.create(chat)];
  const took_s = (performance.now() - began) / 1_000;
  const refused = openai.chat.completions.create({ model, messages: ask(tooLong) });
  await expect(refused).rejects.toMatchObject({ code: "context_length_exceeded" });
  await expect(openai.chat.completions.create({ ...chat, model: "nobody" })).rejects.toMatchObject({ status: 404 });
  await gone.kill("SIGKILL");
  await expect.poll(async () => (await scrape(house)).value("rbee_hives", { state: "away" })).toBe(1);
  const submitted = Date.now();
  const waiting = await client.submit("infer", { model, prompt: question, hive_id: "burrow" });
  await expect.poll(async () => (await scrape(house)).value("rbee_queue_jobs", { priority: "normal" })).toBe(1);

  const { value, histogram } = await scrape(house);
  const age = value("rbee_queue_oldest_seconds");
  expect(age).toBeGreaterThan(0);
  expect(age).toBeLessThanOrEqual((Date.now() - submitted) / 1_000);
  expect(value("rbee_jobs_running")).toBe(0);
  expect(value("rbee_hives", { state: "connected" })).toBe(1);
  expect(value("rbee_hives", { state: "draining" })).toBe(0);
  expect(value("rbee_workers", { state: "ready" })).toBe(1);
  const { workers } = await client.run("active_worker_list", {});
  expect(value("rbee_slots", { model })).toBe(workers[0]?.slots);
  expect(value("rbee_slots_busy", { model })).toBe(0);
  expect(value("rbee_model_loads_total")).toBe(1);
  expect(value("rbee_model_unloads_total")).toBe(0);
  for (const reason of ["idle", "evicted"]) expect(value("rbee_worker_stops_total", { reason })).toBe(0);
  expect(value("rbee_jobs_finished_total", { operation: "infer", state: "succeeded" })).toBe(2);
  expect(value("rbee_errors_total", { code: "context_length_exceeded" })).toBe(1);
  expect(value("rbee_refusals_total", { code: "model_not_found" })).toBe(1);
  expect(value("rbee_placements_total", { reason: "free" })).toBeGreaterThan(0);
  const sum = (field: "prompt_tokens" | "completion_tokens") =>
    answers.reduce((total, { usage }) => total + (usage?.[field] ?? 0), 0);
  expect(value("rbee_tokens_total", { model, kind: "prompt" })).toBe(sum("prompt_tokens"));
  expect(value("rbee_tokens_total", { model, kind: "completion" })).toBe(sum("completion_tokens"));
  const first = histogram("rbee_ttft_seconds");
  expect(first.count).toBe(2);
  expect(first.sum).toBeGreaterThan(0);
  expect(first.sum).toBeLessThan(took_s);
  for (const name of ["rbee_queue_wait_seconds", "rbee_job_duration_seconds"])
    expect(histogram(name).count).toBeGreaterThanOrEqual(2);
  await client.cancel(waiting.job_id);
  await expect.poll(async () => (await scrape(house)).value("rbee_queue_jobs", { priority: "normal" })).toBe(0);
});
