import { limits } from "@rbee/contracts";
import { z } from "zod";
import { optional } from "./parse.ts";

const SEEDS = 2 ** 32;

const Stop = z.union([z.string(), z.array(z.string()).max(limits.stop_strings_max)]);

/** The parameters that all of OpenAI's text endpoints share, mostly of how tokens are chosen, and those that local engines add. */
export const samplingFields = {
  temperature: optional(z.number().min(0).max(2)),
  top_p: optional(z.number().min(0).max(1)),
  top_k: optional(z.int().min(-1)),
  min_p: optional(z.number().min(0).max(1)),
  frequency_penalty: optional(z.number().min(-2).max(2)),
  presence_penalty: optional(z.number().min(-2).max(2)),
  repetition_penalty: optional(z.number().gt(0).max(2)),
  // Some draw theirs from 64 bits, of which JavaScript keeps the greater part.
  seed: optional(z.number().refine(Number.isInteger, "it must be an integer")),
  stop: optional(Stop),
  prompt_cache_key: optional(z.string()),
  user: optional(z.string()),
};

export type Sampling = Partial<z.output<z.ZodObject<typeof samplingFields>>>;

/** The fields of the operation. OpenAI's defaults are 1 and 1; what it does not know keeps the engine's. */
export function samplingOf(given: Sampling, choice = 0): Record<string, unknown> {
  const { temperature = 1, top_p = 1, top_k, min_p, seed, stop, repetition_penalty } = given;
  const { frequency_penalty, presence_penalty } = given;
  const session = (given.prompt_cache_key ?? given.user)?.slice(0, limits.session_chars_max);
  const stops = (typeof stop === "string" ? [stop] : (stop ?? [])).filter((one) => one !== "");
  return dropUndefined({
    temperature,
    // Nothing at all cannot be drawn from; nearly nothing is the likeliest token.
    top_p: Math.max(top_p, Number.EPSILON),
    top_k: topK(top_k),
    min_p,
    frequency_penalty: frequency_penalty === 0 ? undefined : frequency_penalty,
    presence_penalty: presence_penalty === 0 ? undefined : presence_penalty,
    repeat_penalty: repetition_penalty,
    // Answers to one prompt differ, and are the same ones again with the same seed.
    seed: seed === undefined ? undefined : modulo(seed + choice, SEEDS),
    stop: stops,
    // Whoever names a conversation is led back to the worker that still holds it.
    session: session === "" ? undefined : session,
  });
}

const TOP_K_MAX = 1_000;

/** Nothing below zero, and no more than makes a difference. */
export const topK = (asked: number | undefined): number | undefined =>
  asked === undefined ? undefined : Math.min(Math.max(0, asked), TOP_K_MAX);

/** Clients ask for more than any model here holds; the context ends the answer anyway. */
export const tokensOf = (asked: number | undefined, otherwise: number): number =>
  Math.min(asked ?? otherwise, limits.tokens_per_job_max);

export const dropUndefined = (fields: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));

const modulo = (value: number, by: number): number => ((value % by) + by) % by;
