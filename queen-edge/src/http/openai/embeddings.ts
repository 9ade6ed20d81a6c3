import { limits, RbeeError } from "@rbee/contracts";
import { z } from "zod";
import type { ApiCaller } from "../api/caller.ts";
import { EmbedJobs, shortened } from "../api/embed.ts";
import { heldResponse } from "../api/held-response.ts";
import { BadRequest, jsonForm } from "./errors.ts";
import { optional, parseBody } from "./parse.ts";

const EmbeddingsRequest = z.looseObject({
  model: z.string(),
  input: z.union([z.string(), z.array(z.unknown()).min(1).max(limits.embed_inputs_max)]),
  encoding_format: optional(z.enum(["float", "base64"])),
  dimensions: optional(z.int().min(1)),
});

/** `POST /embeddings` */
export async function embeddings(body: unknown, caller: ApiCaller): Promise<Response> {
  const { model, input, encoding_format = "float", dimensions } = parseBody(EmbeddingsRequest, body);
  const jobs = await EmbedJobs.start(caller, { model }, textsOf(input));
  const headers = { "x-rbee-job-id": jobs.id };
  return heldResponse({ caller, headers, form: jsonForm }, async (write) => {
    const { embeddings, prompt_tokens } = await jobs.read();
    const [{ length } = []] = embeddings;
    if (dimensions !== undefined && dimensions > length)
      throw new RbeeError("invalid_input", `'dimensions' is ${dimensions}, and vectors of this model have ${length}`);
    const data = embeddings.map((vector, index) => {
      const embedding = shortened(vector, dimensions);
      return { object: "embedding", index, embedding: encoding_format === "base64" ? base64(embedding) : embedding };
    });
    await write(JSON.stringify({ object: "list", data, model, usage: { prompt_tokens, total_tokens: prompt_tokens } }));
  });
}

/** @throws BadRequest */
function textsOf(input: string | readonly unknown[]): string[] {
  return (typeof input === "string" ? [input] : input).map((one) => {
    if (one === "") throw new BadRequest("'input' cannot be an empty string.", "input", "invalid_value");
    if (typeof one === "string") return one;
    throw new BadRequest("'input' must be text: token ids of other models mean nothing here.", "input", "invalid_type");
  });
}

/** 32-bit numbers, the lowest byte first. */
function base64(vector: readonly number[]): string {
  const bytes = new DataView(new ArrayBuffer(vector.length * 4));
  for (const [at, number] of vector.entries()) bytes.setFloat32(at * 4, number, true);
  return btoa(Array.from(new Uint8Array(bytes.buffer), (byte) => String.fromCodePoint(byte)).join(""));
}
