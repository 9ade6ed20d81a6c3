import { randomBytes } from "node:crypto";

/** One WebSocket frame (RFC 6455 §5.2), its payload unmasked. */
export interface Frame {
  readonly fin: boolean;
  /** The three reserved bits as they came. */
  readonly rsv: number;
  readonly opcode: number;
  /** Client frames are masked, and must be again when they go on. */
  readonly masked: boolean;
  readonly payload: Buffer;
}

const TEXT = 1;
/** Opcodes from here on are pings, pongs and closes. */
const CONTROL = 8;

export const isData = ({ opcode }: Frame): boolean => opcode < CONTROL;

/** Cuts a stream of bytes into frames, however it is chopped up. */
export class FrameParser {
  #rest: Buffer = Buffer.alloc(0);

  feed(chunk: Buffer): Frame[] {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const frames: Frame[] = [];
    for (let next = parse(this.#rest); next !== undefined; next = parse(this.#rest)) {
      frames.push(next.frame);
      this.#rest = this.#rest.subarray(next.bytes);
    }
    return frames;
  }
}

function parse(bytes: Buffer): { frame: Frame; bytes: number } | undefined {
  if (bytes.length < 2) return undefined;
  const first = bytes.readUInt8(0);
  const second = bytes.readUInt8(1);
  const short = second & 0x7f;
  const lengthBytes = short === 126 ? 2 : short === 127 ? 8 : 0;
  const masked = (second & 0x80) !== 0;
  const head = 2 + lengthBytes + (masked ? 4 : 0);
  if (bytes.length < head) return undefined;
  const length =
    lengthBytes === 0 ? short : lengthBytes === 2 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
  if (bytes.length < head + length) return undefined;
  const body = bytes.subarray(head, head + length);
  const payload = masked ? mask(body, bytes.subarray(head - 4, head)) : Buffer.from(body);
  const frame = { fin: (first & 0x80) !== 0, rsv: (first >> 4) & 7, opcode: first & 0x0f, masked, payload };
  return { frame, bytes: head + length };
}

export function encode({ fin, rsv, opcode, masked, payload }: Frame): Buffer {
  const { length } = payload;
  const lengthBytes = length < 126 ? 0 : length < 65_536 ? 2 : 8;
  const head = Buffer.alloc(2 + lengthBytes);
  head.writeUInt8((fin ? 0x80 : 0) | (rsv << 4) | opcode, 0);
  head.writeUInt8((masked ? 0x80 : 0) | (lengthBytes === 0 ? length : lengthBytes === 2 ? 126 : 127), 1);
  if (lengthBytes === 2) head.writeUInt16BE(length, 2);
  if (lengthBytes === 8) head.writeBigUInt64BE(BigInt(length), 2);
  if (!masked) return Buffer.concat([head, payload]);
  const key = randomBytes(4);
  return Buffer.concat([head, key, mask(payload, key)]);
}

export const textFrame = (text: string, masked: boolean): Frame => ({
  fin: true,
  rsv: 0,
  opcode: TEXT,
  masked,
  payload: Buffer.from(text),
});

/** Masking and unmasking are the same. */
function mask(bytes: Buffer, key: Buffer): Buffer {
  const out = Buffer.allocUnsafe(bytes.length);
  for (let i = 0; i < bytes.length; i++) out[i] = (bytes[i] ?? 0) ^ (key[i & 3] ?? 0);
  return out;
}
