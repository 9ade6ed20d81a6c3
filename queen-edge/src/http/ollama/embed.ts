import { KeepAlive, limits } from "@rbee/contracts";
import { z } from "zod";
import type { ApiCaller } from "../api/caller.ts";
import { EmbedJobs, shortened } from "../api/embed.ts";
import { heldResponse } from "../api/held-response.ts";
import { optional, parseBody } from "../openai/parse.ts";
import { jsonForm } from "./errors.ts";
import { modelName } from "./request.ts";

const Text = z.string().max(limits.embed_chars_max);

const EmbedRequest = z.looseObject({
  model: z.string(),
  input: optional(z.union([Text, z.array(Text).max(limits.embed_inputs_max)])),
  truncate: optional(z.boolean()),
  dimensions: optional(z.int().min(1)),
  keep_alive: optional(KeepAlive),
});

const NS_PER_MS = 1_000_000;

/** `POST /api/embed`. What is too long is cut, unless the request says not to. */
export async function embed(body: unknown, caller: ApiCaller): Promise<Response> {
  const { model, input = "", truncate = true, dimensions, keep_alive } = parseBody(EmbedRequest, body);
  const began = Date.now();
  const texts = typeof input === "string" ? [input].filter((text) => text !== "") : input;
  const wanted = { model: modelName(model), keep_alive };
  const jobs = await EmbedJobs.start(caller, wanted, orShortest(texts));
  return heldResponse({ caller, headers: { "x-rbee-job-id": jobs.id }, form: jsonForm }, async (write) => {
    const { embeddings, prompt_tokens } = await jobs.read({ cut: truncate });
    const total_duration = (Date.now() - began) * NS_PER_MS;
    const vectors = embeddings.slice(0, texts.length).map((vector) => shortened(vector, dimensions));
    const prompt_eval_count = texts.length === 0 ? 0 : prompt_tokens;
    await write(JSON.stringify({ model, embeddings: vectors, total_duration, load_duration: 0, prompt_eval_count }));
  });
}

const OlderRequest = z.looseObject({ model: z.string(), prompt: optional(Text), keep_alive: optional(KeepAlive) });

/** `POST /api/embeddings`: one text, one vector. */
export async function embedOne(body: unknown, caller: ApiCaller): Promise<Response> {
  const { model, prompt = "", keep_alive } = parseBody(OlderRequest, body);
  const texts = [prompt].filter((text) => text !== "");
  const wanted = { model: modelName(model), keep_alive };
  const jobs = await EmbedJobs.start(caller, wanted, orShortest(texts));
  return heldResponse({ caller, headers: { "x-rbee-job-id": jobs.id }, form: jsonForm }, async (write) => {
    const { embeddings } = await jobs.read({ cut: true });
    await write(JSON.stringify({ embedding: texts.length === 0 ? [] : (embeddings[0] ?? []) }));
  });
}

const SHORTEST = " ";

/** Without anything to embed a request loads the model, as the shortest text does. An empty one among others has its vector. */
const orShortest = (texts: readonly string[]): readonly string[] =>
  texts.length === 0 ? [SHORTEST] : texts.map((text) => (text === "" ? SHORTEST : text));
