import type { z } from "zod";
import { RbeeError } from "../errors.ts";
import { limits } from "../limits.ts";

/** Bytes of a text on the wire and in a row: its characters may take three each. */
export function utf8Length(text: string): number {
  if (text.length * 3 <= limits.frame_bytes_max) return text.length;
  let bytes = text.length;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    // Each half of a surrogate pair stands for two of its four bytes.
    if (code > 0x7f) bytes += code < 0x800 || (code >= 0xd800 && code <= 0xdfff) ? 1 : 2;
  }
  return bytes;
}

/** Parses one text frame. @throws RbeeError payload_too_large, invalid_json, invalid_input */
export function parseFrame<T>(schema: z.ZodType<T>, data: string | ArrayBuffer): T {
  if (typeof data !== "string") throw new RbeeError("invalid_json", "frames are text");
  if (utf8Length(data) > limits.frame_bytes_max) throw new RbeeError("payload_too_large", "the frame is too large");
  let value: unknown;
  try {
    value = JSON.parse(data);
  } catch (cause) {
    throw new RbeeError("invalid_json", "the frame is not JSON", { cause });
  }
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw new RbeeError("invalid_input", parsed.error.issues[0]?.message, { cause: parsed.error });
  return parsed.data;
}
