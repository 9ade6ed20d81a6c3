/** A small generator of numbers that are the same for the same seed. */
function numbers(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

type Mutator = (bytes: Buffer, pick: (below: number) => number) => Buffer;
/** Where the header of the small models ends, about. */
const HEADER_BYTES = 12_000;

const huge = [
  0xff_ff_ff_ff_ff_ff_ff_ffn,
  0x7f_ff_ff_ff_ff_ff_ff_ffn,
  2n ** 63n,
  2n ** 32n,
  2n ** 31n,
  1_000_000n,
  999_999n,
  10_000_000n,
  0n,
];

const mutators: readonly Mutator[] = [
  // Some byte of the header is another.
  (bytes, pick) => {
    bytes.writeUInt8(pick(256), pick(HEADER_BYTES));
    return bytes;
  },
  // Many are.
  (bytes, pick) => {
    for (let n = 0; n < 50; n += 1) bytes.writeUInt8(pick(256), 24 + pick(HEADER_BYTES));
    return bytes;
  },
  // A count or length is absurd.
  (bytes, pick) => {
    bytes.writeBigUInt64LE(huge[pick(huge.length)] ?? 0n, pick(2) === 0 ? 8 + 8 * pick(2) : 24 + pick(2_000));
    return bytes;
  },
  (bytes, pick) => {
    bytes.writeBigUInt64LE(huge[pick(huge.length)] ?? 0n, 24 + pick(HEADER_BYTES));
    return bytes;
  },
  // Cut off, anywhere.
  (bytes, pick) => bytes.subarray(0, pick(bytes.length)),
  (bytes, pick) => bytes.subarray(0, pick(HEADER_BYTES)),
  // Zeros, ones, itself again, in the middle of the header.
  (bytes, pick) => bytes.fill(0, 24 + pick(500), 600 + pick(HEADER_BYTES)),
  (bytes, pick) => bytes.fill(0xff, 24 + pick(500), 600 + pick(HEADER_BYTES)),
  (bytes, pick) => {
    bytes.copyWithin(24 + pick(HEADER_BYTES), pick(500), 500 + pick(5_000));
    return bytes;
  },
  // The right beginning, then anything.
  (bytes, pick) => {
    for (let at = 24; at < 20_000; at += 1) bytes.writeUInt8(pick(256), at);
    return bytes.subarray(0, 20_000);
  },
  // Arrays in arrays in arrays.
  (bytes, pick) => Buffer.concat([bytes.subarray(0, 16), nested(pick(50) + 1, huge[pick(huge.length)] ?? 1n)]),
  // As many keys as it may claim, of a length that makes each of them costly.
  (bytes, pick) => Buffer.concat([bytes.subarray(0, 16), manyKeys(2_000 + pick(8_000), 1 + pick(200))]),
];

function nested(depth: number, count: bigint): Buffer {
  const key = Buffer.from("deep");
  const head = Buffer.alloc(8 + 8 + key.length + 4);
  head.writeBigUInt64LE(1n, 0);
  head.writeBigUInt64LE(BigInt(key.length), 8);
  key.copy(head, 16);
  head.writeUInt32LE(9, 16 + key.length);
  const level = Buffer.alloc(12);
  level.writeUInt32LE(9, 0);
  level.writeBigUInt64LE(count, 4);
  return Buffer.concat([head, ...Array.from({ length: depth }, () => level), Buffer.alloc(4_096)]);
}

function manyKeys(count: number, numbersEach: number): Buffer {
  const head = Buffer.alloc(8);
  head.writeBigUInt64LE(BigInt(count), 0);
  const key = Buffer.alloc(8 + 8 + 4 + 4 + 8 + 4 * numbersEach);
  key.writeBigUInt64LE(8n, 0);
  key.write("array.xx", 8, "latin1");
  key.writeUInt32LE(9, 16);
  key.writeUInt32LE(4, 20);
  key.writeBigUInt64LE(BigInt(numbersEach), 24);
  return Buffer.concat([head, ...Array.from({ length: count }, () => key)]);
}

/** A model with something broken in it; the same for the same seed. */
export function brokenGguf(model: Buffer, seed: number): Buffer {
  const pick = numbers(seed * 7_919 + 1);
  const mutate = mutators[seed % mutators.length];
  for (let n = 0; n < 10; n += 1) pick(2);
  return mutate?.(Buffer.from(model), pick) ?? model;
}
