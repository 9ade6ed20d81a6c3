/** Tokens that the queen makes and later recognises without looking anything up: a payload and its HMAC-SHA-256. */

const encoder = new TextEncoder();

/** Imported keys, kept per isolate: importing costs more than signing. */
const keys = new Map<string, Promise<CryptoKey>>();

function keyOf(secret: string): Promise<CryptoKey> {
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

export const toBase64Url = (bytes: Uint8Array): string =>
  btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");

export function fromBase64Url(text: string): Uint8Array<ArrayBuffer> | undefined {
  if (!/^[A-Za-z0-9_-]*$/.test(text)) return undefined;
  try {
    return Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (char) => char.charCodeAt(0));
  } catch {
    return undefined;
  }
}

const mac = async (secret: string, text: string): Promise<Uint8Array<ArrayBuffer>> =>
  new Uint8Array(await crypto.subtle.sign("HMAC", await keyOf(secret), encoder.encode(text)));

/** @param purpose keeps a token of one kind from passing as another */
export async function seal(secret: string, purpose: string, payload: unknown): Promise<string> {
  const body = toBase64Url(encoder.encode(JSON.stringify(payload)));
  return `${body}.${toBase64Url(await mac(secret, `${purpose}.${body}`))}`;
}

/** The payload of a token this queen sealed for this purpose, else `undefined`. */
export async function unseal(secret: string, purpose: string, token: string): Promise<unknown> {
  const [body, signature, ...rest] = token.split(".");
  if (body === undefined || signature === undefined || rest.length > 0) return undefined;
  const bytes = fromBase64Url(signature);
  if (bytes === undefined) return undefined;
  const genuine = await crypto.subtle.verify("HMAC", await keyOf(secret), bytes, encoder.encode(`${purpose}.${body}`));
  const decoded = genuine ? fromBase64Url(body) : undefined;
  return decoded === undefined ? undefined : JSON.parse(new TextDecoder().decode(decoded));
}

export const sha256 = async (text: string): Promise<Uint8Array<ArrayBuffer>> =>
  new Uint8Array(await crypto.subtle.digest("SHA-256", encoder.encode(text)));

export const sha256Hex = async (text: string): Promise<string> =>
  Array.from(await sha256(text), (byte) => byte.toString(16).padStart(2, "0")).join("");

const BASE32 = "abcdefghijklmnopqrstuvwxyz234567";

/** A job id: 128 random bits, or with an idempotency key the same bits for the same key, so that a retry meets its job. */
export async function jobId(
  secret: string,
  key: { colony: string; key_id: string; idempotency: string } | undefined,
): Promise<string> {
  const bytes =
    key === undefined
      ? crypto.getRandomValues(new Uint8Array(16))
      : (await mac(secret, `job\n${key.colony}\n${key.key_id}\n${key.idempotency}`)).slice(0, 16);
  let bits = 0n;
  for (const byte of bytes) bits = (bits << 8n) | BigInt(byte);
  let text = "";
  // 26 characters hold 130 bits: the last two are zero.
  for (bits <<= 2n; text.length < 26; bits >>= 5n) text = BASE32.charAt(Number(bits & 31n)) + text;
  return `job_${text}`;
}
