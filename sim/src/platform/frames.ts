import { parseFrame as parse } from "../../../contracts/src/link/frame.ts";

export * from "../../../contracts/src/link/frame.ts";

/** Texts of which the parsed frame is kept, over all schemas; most worlds say the same few hundred. */
const KEPT_MAX = 10_000;

type Schema<T> = Parameters<typeof parse<T>>[0];

let kept = new WeakMap<object, Map<string, unknown>>();
let count = 0;

/**
 * The real `parseFrame`, once per schema and text: frames mean the same in every world. What one world did to a parsed
 * frame the next would see, so it is frozen; what does not parse is parsed again each time.
 */
export function parseFrame<T>(schema: Schema<T>, data: string | ArrayBuffer): T {
  if (typeof data !== "string") return parse(schema, data);
  let frames = kept.get(schema);
  if (frames === undefined) {
    frames = new Map();
    kept.set(schema, frames);
  }
  const known = frames.get(data);
  if (known !== undefined) return known as T;
  const frame = frozen(parse(schema, data));
  if (++count > KEPT_MAX) {
    kept = new WeakMap();
    count = 0;
  } else frames.set(data, frame);
  return frame;
}

function frozen<T>(value: T): T {
  if (typeof value !== "object" || value === null) return value;
  for (const item of Object.values(value)) frozen(item);
  return Object.freeze(value);
}
