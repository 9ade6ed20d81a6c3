import { hmac } from "@rbee/job-http";
import type { JobSpec, Phase } from "@rbee/job-core";
import { sessionTexts, type SessionKeys } from "./queen/conversations.ts";
import { wantOf } from "./queen/views.ts";
import type { Want } from "./queen/want.ts";
import { toBase64Url } from "./seal.ts";

/** 96 bits: enough that no two conversations of a colony ever meet. */
const KEY_BYTES = 12;

/**
 * Hashes by which the registry knows a conversation: keyed with the queen's secret, so that they tell nothing of the text,
 * and apart for each API key and model.
 */
async function sessionOf(secret: string, { input, key_id }: JobSpec): Promise<{ session?: SessionKeys }> {
  const texts = sessionTexts(input);
  if (texts === undefined) return {};
  const scope = JSON.stringify(["session", key_id, input["model"]]);
  const keyOf = async (text: string): Promise<string> =>
    toBase64Url((await hmac(secret, `${scope} ${text}`)).subarray(0, KEY_BYTES));
  return { session: { keep: await keyOf(texts.keep), find: await Promise.all(texts.find.map(keyOf)) } };
}

/** What a job needs of a hive, and the conversation that it belongs to. */
export async function wantWithSession(secret: string, spec: JobSpec, phase?: Phase): Promise<Want> {
  return { ...wantOf(spec, phase), ...(await sessionOf(secret, spec)) };
}
