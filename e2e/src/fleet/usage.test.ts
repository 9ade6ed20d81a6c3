import { usageBy } from "@rbee/contracts";
import OpenAI from "openai";
import { expect } from "vitest";
import { z } from "zod";
import { parseExposition } from "../../../queen-edge/src/testing/exposition.ts";
import { ask, embedder, hasMiniLm, model, question, sentences, test, whyNot } from "../apis/testing.ts";

/** What answers say they cost is what their jobs cost, and what the accounts add up to. */

const Used = z.object({ usage: z.object({ prompt_tokens: z.int(), completion_tokens: z.int() }) });
const usageIn = (result: unknown) => Used.safeParse(result).data?.usage;

interface Cost {
  readonly prompt: number;
  readonly completion: number;
}

test("answers of every API, their jobs and the accounts tell the same sums", async ({
  house,
  openai,
  anthropic,
  ollama,
}) => {
  await house.startHive("burrow");
  const ofOpenAi = (usage?: { prompt_tokens: number; completion_tokens: number } | null): Cost => ({
    prompt: usage?.prompt_tokens ?? 0,
    completion: usage?.completion_tokens ?? 0,
  });
  const chat = { model, messages: ask(question), temperature: 0 };
  const spent: Cost[] = await Promise.all([
    openai.chat.completions.create(chat).then(({ usage }) => ofOpenAi(usage)),
    openai.chat.completions
      .stream({ ...chat, stream_options: { include_usage: true } })
      .totalUsage()
      .then(ofOpenAi),
    openai.completions.create({ model, prompt: ["a", "bee"], max_tokens: 9 }).then(({ usage }) => ofOpenAi(usage)),
    openai.responses
      .create({ model, input: question })
      .then(({ usage }) => ({ prompt: usage?.input_tokens ?? 0, completion: usage?.output_tokens ?? 0 })),
    anthropic.messages.create({ model, max_tokens: 20, messages: ask(question) }).then(({ usage }) => ({
      prompt: usage.input_tokens + (usage.cache_read_input_tokens ?? 0),
      completion: usage.output_tokens,
    })),
    ollama
      .chat({ model, messages: ask(question) })
      .then(({ prompt_eval_count: prompt, eval_count: completion }) => ({ prompt, completion })),
  ]);
  const client = house.client();
  const told = spent.reduce((sum, one) => ({
    prompt: sum.prompt + one.prompt,
    completion: sum.completion + one.completion,
  }));

  // A job of each answer, and of each prompt of the one that had two.
  const lines = await client.list();
  const results = await Promise.all(lines.map(async ({ job_id }) => (await client.get(job_id)).result));
  const usages = results
    .flatMap((result) => (result === undefined ? [] : [usageIn(result)]))
    .filter((usage) => usage !== undefined);
  expect(usages).toHaveLength(7);
  expect(told).toEqual({
    prompt: usages.reduce((sum, usage) => sum + usage.prompt_tokens, 0),
    completion: usages.reduce((sum, usage) => sum + usage.completion_tokens, 0),
  });
  // A client has its answer a moment before the books have.
  await expect.poll(async () => (await client.run("usage_report", {})).total.jobs).toBe(7);
  for (const by of usageBy) {
    const { rows, total } = await client.run("usage_report", { by });
    expect([by, total.prompt_tokens, total.completion_tokens]).toEqual([by, told.prompt, told.completion]);
    for (const field of ["jobs", "prompt_tokens", "cached_tokens", "completion_tokens", "units"] as const)
      expect([by, field, rows.reduce((sum, row) => sum + row[field], 0)]).toEqual([by, field, total[field]]);
    expect(total.jobs).toBe(7);
  }
  const answered = await fetch(`${house.url}/metrics`, { headers: { authorization: `Bearer ${house.key}` } });
  const metrics = parseExposition(await answered.text());
  for (const [kind, sum] of [
    ["prompt", told.prompt],
    ["completion", told.completion],
  ] as const)
    expect(metrics.valueOf("rbee_tokens_total", { model, kind })).toBe(sum);
});

test.skipIf(!hasMiniLm)(`a key is told what it used, embeddings too${whyNot}`, async ({ house }) => {
  const client = house.client();
  const { key, key_id } = await client.run("key_create", { name: "script" });
  const script = new OpenAI({ baseURL: `${house.url}/v1`, apiKey: key, maxRetries: 0 });
  const chat = await script.chat.completions.create({ model, messages: ask(question), temperature: 0 });
  // More texts than one job takes.
  const input = Array.from({ length: 70 }, (_, n) => `${sentences[n % sentences.length]} ${n}`);
  const embedded = await script.embeddings.create({ model: embedder, input });
  const used = async (by: (typeof usageBy)[number], name: string) =>
    (await client.run("usage_report", { by })).rows.find((row) => row.name === name);
  await expect
    .poll(() => used("model", embedder))
    .toMatchObject({
      prompt_tokens: embedded.usage.prompt_tokens,
      completion_tokens: 0,
    });
  await expect
    .poll(() => used("key", key_id))
    .toMatchObject({
      prompt_tokens: embedded.usage.prompt_tokens + (chat.usage?.prompt_tokens ?? 0),
      completion_tokens: chat.usage?.completion_tokens,
    });
  const refused = new OpenAI({ baseURL: `${house.url}/v1`, apiKey: `${key}x`, maxRetries: 0 });
  await expect(refused.models.list()).rejects.toMatchObject({ status: 401 });
});
