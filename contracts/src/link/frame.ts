import type { z } from "zod";
import { RbeeError } from "../errors.ts";
import { limits } from "../limits.ts";

/** Parses one text frame. @throws RbeeError payload_too_large, invalid_json, invalid_input */
export function parseFrame<T>(schema: z.ZodType<T>, data: string | ArrayBuffer): T {
  if (typeof data !== "string") throw new RbeeError("invalid_json", "frames are text");
  // Characters bound bytes well enough here: the socket's own limit is far above.
  if (data.length > limits.frame_bytes_max) throw new RbeeError("payload_too_large", "the frame is too large");
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
