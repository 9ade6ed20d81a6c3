import { RbeeError, type Device } from "@rbee/contracts";
import type { ModelFile } from "../models/catalogue.ts";

/** Keys and values are kept in half precision. */
const CACHE_NUMBER_BYTES = 2;
/** The engine evaluates at most this many tokens at once, and makes room for the scores of every word for each. */
const BATCH_TOKENS = 512;
const SCORE_BYTES = 4;
const GIB = 1024 ** 3;

/** What a worker will take: the weights, the context of all its slots, and the working memory of one batch. */
export function memoryNeed(model: ModelFile, contextTokens: number): number {
  const { layers = 0, cache_width = 0, vocabulary = 0 } = model.header;
  const cache = layers * cache_width * contextTokens * CACHE_NUMBER_BYTES;
  const scores = Math.min(BATCH_TOKENS, contextTokens) * vocabulary * SCORE_BYTES;
  return model.size_bytes + cache + scores;
}

/** @throws RbeeError insufficient_memory, with the numbers */
export function checkMemory(device: Device, need: { model: string; bytes: number; reserved: number }): void {
  const free = Math.max(0, device.memory_free_bytes - need.reserved);
  if (need.bytes <= free) return;
  const said = `${need.model} needs about ${gib(need.bytes)}, ${device.id} has ${gib(free)} of ${gib(device.memory_total_bytes)} free`;
  throw new RbeeError("insufficient_memory", said);
}

const gib = (bytes: number): string => `${(bytes / GIB).toFixed(2)} GiB`;
