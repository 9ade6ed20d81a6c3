import { hmac } from "@rbee/job-http";
import type { JobSpec } from "@rbee/job-core";
import { sessionTexts, type SessionKeys } from "./queen/conversations.ts";
import { toBase64Url } from "./seal.ts";

/** 96 bits: enough that no two conversations of a colony ever meet. */
const KEY_BYTES = 12;

/**
 * Hashes by which the registry knows a conversation: keyed with the queen's secret, so that they tell nothing of the text,
 * and apart for each API key and model.
 */
export async function sessionKeys(secret: string, { input, key_id }: JobSpec): Promise<SessionKeys | undefined> {
  const texts = sessionTexts(input);
  if (texts === undefined) return undefined;
  const scope = JSON.stringify(["session", key_id, input["model"]]);
  const keyOf = async (text: string): Promise<string> =>
    toBase64Url((await hmac(secret, `${scope} ${text}`)).subarray(0, KEY_BYTES));
  return { keep: await keyOf(texts.keep), find: await Promise.all(texts.find.map(keyOf)) };
}
