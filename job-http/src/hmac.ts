const encoder = new TextEncoder();

/** Imported keys, kept per process: importing costs more than signing. */
const keys = new Map<string, Promise<CryptoKey>>();

/** The HMAC-SHA-256 key of a secret. */
export function hmacKey(secret: string): Promise<CryptoKey> {
  let key = keys.get(secret);
  if (key === undefined) {
    key = crypto.subtle.importKey("raw", encoder.encode(secret), { name: "HMAC", hash: "SHA-256" }, false, [
      "sign",
      "verify",
    ]);
    keys.set(secret, key);
  }
  return key;
}

export const hmac = async (secret: string, text: string): Promise<Uint8Array<ArrayBuffer>> =>
  new Uint8Array(await crypto.subtle.sign("HMAC", await hmacKey(secret), encoder.encode(text)));

const BASE32 = "abcdefghijklmnopqrstuvwxyz234567";

/** A job id: 128 random bits, or with an idempotency key the same bits for the same key, so that a retry meets its job. */
export async function jobId(
  secret: string,
  key: { colony: string; key_id: string; idempotency: string } | undefined,
): Promise<string> {
  const bytes =
    key === undefined
      ? crypto.getRandomValues(new Uint8Array(16))
      : (await hmac(secret, `job\n${key.colony}\n${key.key_id}\n${key.idempotency}`)).slice(0, 16);
  let bits = 0n;
  for (const byte of bytes) bits = (bits << 8n) | BigInt(byte);
  let text = "";
  // 26 characters hold 130 bits: the last two are zero.
  for (bits <<= 2n; text.length < 26; bits >>= 5n) text = BASE32.charAt(Number(bits & 31n)) + text;
  return `job_${text}`;
}
