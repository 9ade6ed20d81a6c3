import { hmac, hmacKey } from "@rbee/job-http";

/** Tokens that the queen makes and later recognises without looking anything up: a payload and its HMAC-SHA-256. */

const encoder = new TextEncoder();

export const toBase64Url = (bytes: Uint8Array): string =>
  btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");

export function fromBase64Url(text: string): Uint8Array<ArrayBuffer> | undefined {
  if (!/^[A-Za-z0-9_-]*$/.test(text)) return undefined;
  try {
    const bytes = Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (char) => char.charCodeAt(0));
    // The last character may have bits that mean nothing: one token would have several spellings.
    return toBase64Url(bytes) === text ? bytes : undefined;
  } catch {
    return undefined;
  }
}

/** @param purpose keeps a token of one kind from passing as another */
export async function seal(secret: string, purpose: string, payload: unknown): Promise<string> {
  const body = toBase64Url(encoder.encode(JSON.stringify(payload)));
  return `${body}.${toBase64Url(await hmac(secret, `${purpose}.${body}`))}`;
}

/** The payload of a token this queen sealed for this purpose, else `undefined`. */
export async function unseal(secret: string, purpose: string, token: string): Promise<unknown> {
  const [body, signature, ...rest] = token.split(".");
  if (body === undefined || signature === undefined || rest.length > 0) return undefined;
  const bytes = fromBase64Url(signature);
  if (bytes === undefined) return undefined;
  const genuine = await crypto.subtle.verify(
    "HMAC",
    await hmacKey(secret),
    bytes,
    encoder.encode(`${purpose}.${body}`),
  );
  const decoded = genuine ? fromBase64Url(body) : undefined;
  return decoded === undefined ? undefined : JSON.parse(new TextDecoder().decode(decoded));
}

export const sha256 = async (text: string): Promise<Uint8Array<ArrayBuffer>> =>
  new Uint8Array(await crypto.subtle.digest("SHA-256", encoder.encode(text)));

export const sha256Hex = async (text: string): Promise<string> =>
  Array.from(await sha256(text), (byte) => byte.toString(16).padStart(2, "0")).join("");
