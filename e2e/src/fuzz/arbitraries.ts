import fc from "fast-check";

/** What no parser likes. Values of JSON, and texts that are none. */

const DEEP = 5_000;

/** Values that are valid JSON and fit nowhere. */
export const junk: fc.Arbitrary<unknown> = fc.oneof(
  fc.jsonValue(),
  fc.constantFrom<unknown>(
    null,
    true,
    "",
    0,
    -0,
    -1,
    1.5,
    1e308,
    Number.MAX_SAFE_INTEGER + 1,
    -Number.MAX_SAFE_INTEGER,
    [],
    {},
    [[]],
    "\ud83d",
    "\u0000\r\n\u2028",
    "../../etc/passwd",
    "${jndi:x}",
    "__proto__",
    "x".repeat(70_000),
    Array.from({ length: 2_000 }, (_, n) => n),
    JSON.parse('{"__proto__":{"t":"hello"},"constructor":1,"toString":null}'),
  ),
  fc.integer({ min: 2, max: 200 }).map((depth) => JSON.parse("[".repeat(depth) + "]".repeat(depth)) as unknown),
);

/** Texts that JSON.parse may choke on. */
const brokenText: fc.Arbitrary<string> = fc.oneof(
  fc.string({ unit: "binary", maxLength: 200 }),
  fc.constantFrom(
    "[".repeat(DEEP),
    '{"t":'.repeat(DEEP),
    "[".repeat(DEEP) + "]".repeat(DEEP),
    "1e999",
    "-",
    "9".repeat(4_000),
    '{"t":"ev","t":"end"}',
    "\ufeff{}",
    "NaN",
    "undefined",
    "ping ",
    "PING",
    "pong",
    '"\\ud800"',
    `"${"x".repeat(300_000)}"`,
  ),
);

type Edit = { readonly at: number; readonly how: "flip" | "cut" | "drop" | "repeat" | "insert"; readonly byte: number };

const edit: fc.Arbitrary<Edit> = fc.record({
  at: fc.double({ min: 0, max: 1, noNaN: true }),
  how: fc.constantFrom("flip", "cut", "drop", "repeat", "insert"),
  byte: fc.integer({ min: 0, max: 255 }),
});

function apply(bytes: Buffer, { at, how, byte }: Edit): Buffer {
  const index = Math.floor(at * bytes.length);
  const [before, after] = [bytes.subarray(0, index), bytes.subarray(index)];
  switch (how) {
    case "flip":
      return Buffer.concat([before, Buffer.of(byte), after.subarray(1)]);
    case "cut":
      return before;
    case "drop":
      return Buffer.concat([before, after.subarray(1 + (byte % 8))]);
    case "repeat":
      return Buffer.concat([before, after.subarray(0, byte), after]);
    case "insert":
      return Buffer.concat([before, Buffer.of(byte, byte), after]);
  }
}

/** Bytes of a valid text with some of them changed: mostly not UTF-8, often not JSON. */
export const mutatedBytes = (valid: fc.Arbitrary<unknown>): fc.Arbitrary<Buffer> =>
  fc
    .tuple(valid, fc.array(edit, { minLength: 1, maxLength: 4 }))
    .map(([value, edits]) => edits.reduce(apply, Buffer.from(JSON.stringify(value) ?? "")));

/** A valid value in which one place holds something else, is gone, or is there too much. */
export const mutatedValue = (valid: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> =>
  fc
    .tuple(valid, fc.nat(), fc.constantFrom("replace", "remove", "add", "wrap"), junk)
    .map(([value, place, how, other]) => change(structuredClone(value), { place, how, other }));

interface Change {
  readonly place: number;
  readonly how: "replace" | "remove" | "add" | "wrap";
  readonly other: unknown;
}

function change(root: unknown, { place, how, other }: Change): unknown {
  const slots: [holder: Record<string, unknown>, key: string][] = [];
  const walk = (value: unknown): void => {
    if (typeof value !== "object" || value === null) return;
    for (const key of Object.keys(value)) {
      slots.push([value as Record<string, unknown>, key]);
      walk((value as Record<string, unknown>)[key]);
    }
  };
  walk(root);
  const slot = slots[place % (slots.length + 1)];
  if (slot === undefined) return how === "wrap" ? [root] : other;
  const [holder, key] = slot;
  if (how === "replace") holder[key] = other;
  else if (how === "remove") delete holder[key];
  else if (how === "add")
    Object.defineProperty(holder, "extra", { value: other, enumerable: true, configurable: true });
  else holder[key] = [holder[key]];
  return root;
}

/** One frame of a WebSocket as it goes out. */
export interface WireFrame {
  readonly bytes: Buffer;
  readonly binary: boolean;
}

const frame = (bytes: Buffer, binary = false): WireFrame => ({ bytes, binary });

/** Frames like those valid ones, in any way wrong; some are whole, but out of order or of a foreign job. */
export const frames = (valid: fc.Arbitrary<unknown>): fc.Arbitrary<WireFrame> =>
  fc.oneof(
    { weight: 4, arbitrary: mutatedValue(valid).map((value) => frame(Buffer.from(JSON.stringify(value) ?? ""))) },
    { weight: 4, arbitrary: mutatedBytes(valid).map((bytes) => frame(bytes)) },
    { weight: 2, arbitrary: brokenText.map((text) => frame(Buffer.from(text))) },
    { weight: 1, arbitrary: junk.map((value) => frame(Buffer.from(JSON.stringify(value) ?? ""))) },
    { weight: 1, arbitrary: valid.map((value) => frame(Buffer.from(JSON.stringify(value) ?? ""))) },
    { weight: 1, arbitrary: valid.map((value) => frame(Buffer.from(JSON.stringify(value) ?? ""), true)) },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 300 }).map((bytes) => frame(Buffer.from(bytes), true)) },
  );
