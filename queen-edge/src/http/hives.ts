import {
  connectHeaders,
  connectMessage,
  EnrolRequest,
  explain,
  limits,
  queenTimeHeader,
  RbeeError,
} from "@rbee/contracts";
import { bearerOf, problemResponse, readJson } from "@rbee/job-http";
import { Hono } from "hono";
import { z } from "zod";
import { hiveOf, jobOf, registryOf } from "../durable/ports.ts";
import type { Env } from "../env.ts";
import { fromBase64Url, seal, sha256Hex, unseal } from "../seal.ts";
import { HOME_COLONY, secretOf } from "./auth.ts";

/** Where machines join, dial in, and send what their jobs produce. Everything is checked before an object is woken. */
export const hives = new Hono<{ Bindings: Env }>();

const Credential = z.object({ colony: z.string(), hive_id: z.string(), gen: z.int(), public_key: z.string() });
const LaneToken = z.object({ colony: z.string(), job_id: z.string(), term: z.int(), hive_id: z.string() });

/** Agents send 22: 128 random bits. */
const NONCE_CHARS_MAX = 64;

hives.post("/enroll", async (c) => {
  const secret = secretOf(c.env);
  const parsed = EnrolRequest.safeParse(await readJson(c.req.raw));
  if (!parsed.success) throw new RbeeError("invalid_input", explain(parsed.error));
  const { token, public_key, hive_id } = parsed.data;
  const colony = /^rbj_([a-z0-9-]{1,31})_/.exec(token)?.[1];
  // A colony that is not ours gets no object: making one is not a stranger's to do.
  if (colony !== HOME_COLONY) throw new RbeeError("unauthorized", "that is not a join token");
  const answer = await registryOf(c.env, colony).enrol(await sha256Hex(token), hive_id);
  if ("problem" in answer) return problemResponse(answer.problem);
  await hiveOf(c.env, colony, answer.ok.hive_id).enrolled(answer.ok.gen);
  const credential = await seal(secret, "hive", { colony, ...answer.ok, public_key });
  return c.json({ hive_id: answer.ok.hive_id, credential });
});

hives.get("/hives/connect", async (c) => {
  agentSocketOnly(c.req.raw);
  const credential = Credential.safeParse(
    await unseal(secretOf(c.env), "hive", c.req.header(connectHeaders.credential) ?? ""),
  );
  if (!credential.success) return refuse("the credential is not valid");
  const timestamp = Number(c.req.header(connectHeaders.timestamp));
  if (!(Math.abs(Date.now() - timestamp) <= limits.signature_skew_ms)) return refuse("the clock is off");
  const nonce = c.req.header(connectHeaders.nonce) ?? "";
  if (nonce.length > NONCE_CHARS_MAX) return refuse("the nonce is too long");
  const message = connectMessage(timestamp, nonce);
  const signature = c.req.header(connectHeaders.signature) ?? "";
  if (!(await isSigned(message, signature, credential.data.public_key))) return refuse("the signature is not valid");
  const { colony, hive_id, gen } = credential.data;
  const query = new URLSearchParams({ colony, hive_id, gen: String(gen), nonce });
  const answer = await hiveOf(c.env, colony, hive_id).fetch(upgrade(`https://hive/?${query.toString()}`));
  if (answer.status === 403)
    return problemResponse(new RbeeError("forbidden", "this credential was replaced or revoked").toProblem());
  // Not final: should something on the way have sent it twice, the hive signs another.
  if (answer.status === 409)
    return problemResponse(
      new RbeeError("unavailable", "this connect request was used before; sign a new one").toProblem(),
    );
  return answer;
});

hives.get("/lanes/:job", async (c) => {
  agentSocketOnly(c.req.raw);
  const sent = bearerOf(c.req.raw.headers) ?? "";
  const token = LaneToken.safeParse(await unseal(secretOf(c.env), "lane", sent));
  if (!token.success || token.data.job_id !== c.req.param("job")) return refuse("the lane token is not valid");
  const { colony, job_id, term } = token.data;
  return jobOf(c.env, colony, job_id).fetch(upgrade(`https://job/lane?term=${term}`));
});

const upgrade = (url: string): Request => new Request(url, { headers: { upgrade: "websocket" } });

/** Agents send no Origin; a browser always does, and has no business here. */
function agentSocketOnly(request: Request): void {
  if (request.headers.get("upgrade")?.toLowerCase() !== "websocket") throw new RbeeError("upgrade_required");
  if (request.headers.has("origin")) throw new RbeeError("forbidden", "browsers do not connect here");
}

/** The queen's time comes along, so that a machine whose clock is off can correct itself. */
const refuse = (why: string): Response =>
  problemResponse(new RbeeError("unauthorized", why).toProblem(), { [queenTimeHeader]: String(Date.now()) });

async function isSigned(message: string, signature: string, publicKey: string): Promise<boolean> {
  const [bytes, raw] = [fromBase64Url(signature), fromBase64Url(publicKey)];
  if (bytes === undefined || raw === undefined) return false;
  try {
    const key = await crypto.subtle.importKey("raw", raw, { name: "Ed25519" }, false, ["verify"]);
    return await crypto.subtle.verify("Ed25519", key, bytes, new TextEncoder().encode(message));
  } catch {
    return false;
  }
}
