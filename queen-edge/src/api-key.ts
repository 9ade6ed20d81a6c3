import { ColonyId } from "@rbee/contracts";
import { z } from "zod";
import { seal, toBase64Url, unseal } from "./seal.ts";

/** 192 bits: the colony's other keys and the queen's own secret tell nothing of them. */
const RANDOM_BYTES = 24;
const PREFIX = "rbk_";
const Sealed = z.tuple([ColonyId, z.string()]);

/** Sealed, so that the Worker knows by itself which keys the queen never made: guessing wakes no object. [KEY-2] */
export async function newApiKey(secret: string, colony: string): Promise<string> {
  const random = toBase64Url(crypto.getRandomValues(new Uint8Array(RANDOM_BYTES)));
  return `${PREFIX}${await seal(secret, "key", [colony, random])}`;
}

/** The colony of a key that this queen made, else `undefined`. Whether it is still good only the registry knows. */
export async function colonyOfKey(secret: string, key: string): Promise<string | undefined> {
  if (!key.startsWith(PREFIX)) return undefined;
  return Sealed.safeParse(await unseal(secret, "key", key.slice(PREFIX.length))).data?.[0];
}
