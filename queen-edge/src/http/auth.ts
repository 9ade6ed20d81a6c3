import { RbeeError } from "@rbee/contracts";
import { bearerOf, type Principal } from "@rbee/job-http";
import { colonyOfKey } from "../api-key.ts";
import { registryOf } from "../durable/ports.ts";
import type { Env } from "../env.ts";
import { keyEnded } from "../key-sockets.ts";
import { sha256, sha256Hex } from "../seal.ts";
import { KnownGrants } from "./known-grants.ts";

/** A self-hoster has one. */
export const HOME_COLONY = "main";

/** @throws RbeeError unauthorized */
export async function authenticate(request: Request, env: Env): Promise<Principal> {
  const owner = ownerKey(env);
  const sent = bearerOf(request.headers);
  if (sent === undefined) throw new RbeeError("unauthorized");
  const [a, b] = await Promise.all([sha256(sent), digestOf(owner)]);
  if (crypto.subtle.timingSafeEqual(a, b)) return { colony: HOME_COLONY, key_id: "owner", scope: "admin" };
  const colony = await colonyOfKey(secretOf(env), sent);
  if (colony === undefined) throw new RbeeError("unauthorized", "the key is not known here");
  const hash = await sha256Hex(sent);
  const grant = await grants.of(hash, Date.now(), () => registryOf(env, colony).grantOf(hash));
  if (grant === undefined) throw new RbeeError("unauthorized", keyEnded.reason);
  return { colony, key_id: grant.key_id, scope: grant.scope };
}

const grants = new KnownGrants();

/** The owner's key does not change while an isolate lives. */
let ownerDigest: { readonly key: string; readonly digest: Promise<Uint8Array<ArrayBuffer>> } | undefined;

function digestOf(key: string): Promise<Uint8Array<ArrayBuffer>> {
  if (ownerDigest?.key !== key) ownerDigest = { key, digest: sha256(key) };
  return ownerDigest.digest;
}

const SECRET_CHARS_MIN = 32;

/** A queen without its secrets refuses everything rather than sealing with an empty key. */
function ownerKey(env: Env): string {
  if ((env.RBEE_SECRET ?? "").length < SECRET_CHARS_MIN || (env.RBEE_API_KEY ?? "").length < SECRET_CHARS_MIN) {
    throw new RbeeError(
      "unavailable",
      "the queen has no secrets yet: `wrangler secret put RBEE_SECRET` and `RBEE_API_KEY`, 32 characters or more each",
    );
  }
  return env.RBEE_API_KEY ?? "";
}

export function secretOf(env: Env): string {
  ownerKey(env);
  return env.RBEE_SECRET ?? "";
}
