import { limits, RbeeError } from "@rbee/contracts";

/** Reads a JSON body of bounded size. @throws RbeeError payload_too_large, invalid_json */
export async function readJson(request: Request): Promise<unknown> {
  const bytes = await readBounded(request);
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(bytes);
  } catch (cause) {
    throw new RbeeError("invalid_json", "the body is not valid UTF-8", { cause });
  }
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new RbeeError("invalid_json", `the body is not valid JSON${text === "" ? ": it is empty" : ""}`, { cause });
  }
}

/** Without a declared length the bytes are counted as they come. */
async function readBounded(request: Request): Promise<Uint8Array> {
  const tooLarge = () => new RbeeError("payload_too_large", `the body is larger than ${limits.body_bytes_max} bytes`);
  const declared = request.headers.get("content-length");
  if (Number(declared ?? 0) > limits.body_bytes_max) throw tooLarge();
  // The platform holds a sender to the length it declared.
  if (declared !== null) return new Uint8Array(await request.arrayBuffer());
  if (request.body === null) return new Uint8Array();
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of request.body) {
    size += chunk.byteLength;
    if (size > limits.body_bytes_max) throw tooLarge();
    chunks.push(chunk);
  }
  const whole = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.byteLength;
  }
  return whole;
}
