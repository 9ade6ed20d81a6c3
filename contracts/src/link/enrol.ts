import { z } from "zod";
import { HiveId } from "../ids.ts";

/** `POST /v1/enroll`: a join token and the hive's own public key, for a credential. Keys are base64url, 32 bytes. */
export const EnrolRequest = z.strictObject({
  token: z.string().min(16).max(256),
  public_key: z.string().regex(/^[A-Za-z0-9_-]{43}$/, "an Ed25519 public key, base64url"),
  /** The name the machine would like; a token may carry another. */
  hive_id: HiveId,
});
export type EnrolRequest = z.infer<typeof EnrolRequest>;

/** The credential is sealed by the queen: it names the hive, its generation and its key. It is no secret by itself. */
export const Enrolled = z.object({ hive_id: HiveId, credential: z.string() });
export type Enrolled = z.infer<typeof Enrolled>;

/** Headers of a connect request: the credential, and a signature by its key over `connectMessage`. */
export const connectHeaders = {
  credential: "x-rbee-credential",
  timestamp: "x-rbee-timestamp",
  nonce: "x-rbee-nonce",
  signature: "x-rbee-signature",
} as const;

/** On a refused connect: the queen's clock, in milliseconds since the epoch, by which a hive whose own is off corrects itself. */
export const queenTimeHeader = "x-rbee-time";

/** What the hive signs. @param timestamp milliseconds since the epoch */
export const connectMessage = (timestamp: number, nonce: string): string => `rbee-connect\n${timestamp}\n${nonce}`;
