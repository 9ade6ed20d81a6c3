import { KeepAlive, limits } from "@rbee/contracts";
import { z } from "zod";
import type { ApiCaller } from "../api/caller.ts";
import { EmbedJobs, shortened } from "../api/embed.ts";
import { heldResponse } from "../api/held-response.ts";
import { optional, parseBody } from "../openai/parse.ts";
import { jsonForm } from "./errors.ts";
import { modelName } from "./request.ts";

const EmbedRequest = z.looseObject({
  model: z.string(),
  input: z.union([z.string().min(1), z.array(z.string().min(1)).min(1).max(limits.embed_inputs_max)]),
  dimensions: optional(z.int().min(1)),
  keep_alive: optional(KeepAlive),
});

const NS_PER_MS = 1_000_000;

/** `POST /api/embed` */
export async function embed(body: unknown, caller: ApiCaller): Promise<Response> {
  const { model, input, dimensions, keep_alive } = parseBody(EmbedRequest, body);
  const began = Date.now();
  const texts = typeof input === "string" ? [input] : input;
  const jobs = await EmbedJobs.start(caller, { model: modelName(model), keep_alive }, texts);
  return heldResponse({ caller, headers: { "x-rbee-job-id": jobs.id }, form: jsonForm }, async (write) => {
    const { embeddings, prompt_tokens: prompt_eval_count } = await jobs.read();
    const total_duration = (Date.now() - began) * NS_PER_MS;
    const vectors = embeddings.map((vector) => shortened(vector, dimensions));
    await write(JSON.stringify({ model, embeddings: vectors, total_duration, load_duration: 0, prompt_eval_count }));
  });
}

const OlderRequest = z.looseObject({ model: z.string(), prompt: z.string().min(1), keep_alive: optional(KeepAlive) });

/** `POST /api/embeddings`: one text, one vector. */
export async function embedOne(body: unknown, caller: ApiCaller): Promise<Response> {
  const { model, prompt, keep_alive } = parseBody(OlderRequest, body);
  const jobs = await EmbedJobs.start(caller, { model: modelName(model), keep_alive }, [prompt]);
  return heldResponse({ caller, headers: { "x-rbee-job-id": jobs.id }, form: jsonForm }, async (write) => {
    const { embeddings } = await jobs.read();
    await write(JSON.stringify({ embedding: embeddings[0] ?? [] }));
  });
}
