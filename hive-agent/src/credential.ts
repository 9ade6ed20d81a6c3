import { createPrivateKey, generateKeyPairSync, randomBytes, sign, type KeyObject } from "node:crypto";
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  connectHeaders,
  connectMessage,
  Enrolled,
  EnrolRequest,
  HiveId,
  limits,
  Problem,
  RbeeError,
} from "@rbee/contracts";
import { z } from "zod";

/** `credential.json`: who this machine is to its queen. The private key never leaves it. */
const Stored = z.object({
  hive_id: HiveId,
  queen_url: z.string(),
  credential: z.string(),
  public_key: z.string(),
  private_key: z.string(),
});
type Stored = z.infer<typeof Stored>;

/** A hive's right to connect. */
export class Credential {
  readonly hive_id: string;
  readonly queen_url: string;
  readonly #sealed: string;
  readonly #key: KeyObject;

  constructor(stored: Stored) {
    this.hive_id = stored.hive_id;
    this.queen_url = stored.queen_url;
    this.#sealed = stored.credential;
    const jwk = { kty: "OKP", crv: "Ed25519", x: stored.public_key, d: stored.private_key };
    this.#key = createPrivateKey({ key: jwk, format: "jwk" });
  }

  /** Headers of one connect request. @param time the queen's clock as well as we know it, milliseconds since the epoch */
  headers(time: number): Record<string, string> {
    const nonce = randomBytes(16).toString("base64url");
    const timestamp = Math.round(time);
    return {
      [connectHeaders.credential]: this.#sealed,
      [connectHeaders.timestamp]: String(timestamp),
      [connectHeaders.nonce]: nonce,
      [connectHeaders.signature]: sign(null, Buffer.from(connectMessage(timestamp, nonce)), this.#key).toString(
        "base64url",
      ),
    };
  }
}

const fileOf = (home: string): string => join(home, "credential.json");

export function loadCredential(home: string): Credential | undefined {
  try {
    return new Credential(Stored.parse(JSON.parse(readFileSync(fileOf(home), "utf8"))));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new RbeeError("unauthorized", `${fileOf(home)} cannot be read; remove it and join again with a new token`, {
      cause: error,
    });
  }
}

export interface Joining {
  readonly queen_url: string;
  readonly join_token: string;
  readonly hive_id: string;
}

/** Trades a join token and a key made here for a credential, and keeps it. @throws RbeeError */
export async function enrol(home: string, { queen_url, join_token, hive_id }: Joining): Promise<Credential> {
  const { x, d } = generateKeyPairSync("ed25519").privateKey.export({ format: "jwk" });
  if (x === undefined || d === undefined) throw new Error("no Ed25519 key was made");
  const request: EnrolRequest = { token: join_token, public_key: x, hive_id };
  const enrolled = await post(`${queen_url.replace(/\/+$/, "")}/v1/enroll`, request);
  const stored: Stored = { ...enrolled, queen_url, public_key: x, private_key: d };
  // Never half a file: the token is spent.
  const file = fileOf(home);
  writeFileSync(`${file}.new`, JSON.stringify(stored), { mode: 0o600, flush: true });
  renameSync(`${file}.new`, file);
  return new Credential(stored);
}

async function post(url: string, body: EnrolRequest): Promise<Enrolled> {
  let response;
  let answer: unknown;
  try {
    response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(limits.connect_wait_ms),
    });
    answer = await response.json();
  } catch (cause) {
    throw new RbeeError("unavailable", `no queen answers at ${new URL(url).origin}`, { cause });
  }
  const enrolled = Enrolled.safeParse(answer);
  if (response.ok && enrolled.success) return enrolled.data;
  const problem = Problem.safeParse(answer);
  if (problem.success) throw RbeeError.fromProblem(problem.data);
  throw new RbeeError("unavailable", `${new URL(url).origin} answered ${response.status} and is no queen`);
}
