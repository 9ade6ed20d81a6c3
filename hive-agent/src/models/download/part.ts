import { RbeeError } from "@rbee/contracts";
import { mkdir, open, rename, rm, type FileHandle } from "node:fs/promises";
import path from "node:path";
import { z } from "zod";

/** What tells whether a server still has the same file. */
export interface Validators {
  readonly etag?: string | undefined;
  readonly last_modified?: string | undefined;
}

const Head = z.object({
  size: z.int().positive(),
  segment: z.int().positive(),
  etag: z.string().optional(),
  last_modified: z.string().optional(),
});
type Head = z.infer<typeof Head>;

const HEAD_BYTES = 4_096;
const POSITION_BYTES = 8;
/** Two of them fit into the head. */
const VALIDATOR_CHARS_MAX = 1_000;

export interface Segment {
  readonly index: number;
  readonly start: number;
  /** One behind its last byte. */
  readonly end: number;
}

/**
 * A file that is being fetched: the bytes in `<path>`, and beside it in `<path>.at` how far each segment is. A position
 * is written when its bytes have been, so that after kill -9 what it says is there, is there; and the other way round
 * hardly more than a piece a connection is fetched twice. [MODEL-1]
 */
export class Part {
  readonly path: string;
  readonly size: number;
  readonly segments: readonly Segment[];
  #validators: Validators;
  readonly #segmentBytes: number;
  readonly #data: FileHandle;
  readonly #at: FileHandle;
  /** Bytes of each segment that are there. */
  readonly #done: number[];
  /** Positions that are being written, by segment. */
  readonly #noting = new Map<number, Promise<void>>();
  #closed = false;
  #advanced = Promise.withResolvers<void>();

  private constructor(path: string, head: Head, files: { data: FileHandle; at: FileHandle; done: number[] }) {
    this.path = path;
    this.size = head.size;
    this.#segmentBytes = head.segment;
    this.#validators = { etag: head.etag, last_modified: head.last_modified };
    this.segments = segmentsOf(head);
    this.#data = files.data;
    this.#at = files.at;
    this.#done = files.done;
  }

  /** Takes up what an earlier run left, if it is of the same size; begins anew otherwise. @throws RbeeError disk_full */
  static async open(file: string, { size, segment }: { size: number; segment: number }): Promise<Part> {
    await mkdir(path.dirname(file), { recursive: true });
    const known = await readPositions(file);
    return onDisk(async () => {
      const data = await open(file, known === undefined ? "w+" : "r+");
      const at = await open(atOf(file), known === undefined ? "w+" : "r+");
      try {
        if (known?.head.size === size) return new Part(file, known.head, { data, at, done: known.done });
        await data.truncate(0);
        const part = new Part(file, { size, segment }, { data, at, done: [] });
        await part.reset();
        return part;
      } catch (error) {
        await data.close();
        await at.close();
        throw error;
      }
    });
  }

  /** Bytes of a part on disk, without opening it; undefined when there is none. */
  static async doneOf(file: string): Promise<number | undefined> {
    return (await readPositions(file))?.done.reduce((sum, done) => sum + done, 0);
  }

  static async remove(file: string): Promise<void> {
    await rm(file, { force: true });
    await rm(atOf(file), { force: true });
  }

  get done(): number {
    return this.#done.reduce((sum, done) => sum + done, 0);
  }

  get complete(): boolean {
    return this.done === this.size;
  }

  get validators(): Validators {
    return this.#validators;
  }

  /** All bytes before this one are there. */
  get frontier(): number {
    const open = this.segments.find((segment) => this.position(segment) < segment.end);
    return open === undefined ? this.size : this.position(open);
  }

  /** The next byte of this segment that is wanted. */
  position({ index, start }: Segment): number {
    return start + (this.#done[index] ?? 0);
  }

  /** Resolves with the next change. */
  get advanced(): Promise<void> {
    return this.#advanced.promise;
  }

  /** Adds bytes at the segment's position. Its new position follows on its own: the next bytes need not wait for it. */
  async write(segment: Segment, bytes: Uint8Array): Promise<void> {
    // A disk that is almost full takes what it can, and says so by the number.
    for (let rest = bytes; rest.length > 0;) {
      const at = this.position(segment);
      const { bytesWritten } = await onDisk(async () => this.#data.write(rest, 0, rest.length, at));
      rest = rest.subarray(bytesWritten);
      this.#done[segment.index] = at + bytesWritten - segment.start;
      this.#moved();
      this.#note(segment.index);
    }
  }

  async read(at: number, buffer: Buffer): Promise<number> {
    return (await this.#data.read(buffer, 0, buffer.length, at)).bytesRead;
  }

  /** At most one write of a segment's position is under way; when it is over, the newest position is written. */
  #note(index: number): void {
    if (this.#noting.has(index)) return;
    const noted = this.#done[index] ?? 0;
    const position = Buffer.alloc(POSITION_BYTES);
    position.writeBigUInt64LE(BigInt(noted));
    const writing = this.#at
      .write(position, 0, POSITION_BYTES, HEAD_BYTES + index * POSITION_BYTES)
      // The place of a position is taken since the file was made: a full disk does not hinder it, and should another fault,
      // a position that is too low costs some bytes.
      .catch(() => undefined)
      .then(() => {
        this.#noting.delete(index);
        if (this.#done[index] !== noted && !this.#closed) this.#note(index);
      });
    this.#noting.set(index, writing);
  }

  async #allNoted(): Promise<void> {
    while (this.#noting.size > 0) await Promise.all(this.#noting.values());
  }

  async remember({ etag = "", last_modified = "" }: Validators): Promise<void> {
    const usable = (value: string) => (value === "" || value.length > VALIDATOR_CHARS_MAX ? undefined : value);
    this.#validators = { etag: usable(etag), last_modified: usable(last_modified) };
    await this.#writeHead();
  }

  /** Forgets all of it. */
  async reset(): Promise<void> {
    await this.#allNoted();
    this.#validators = {};
    this.#done.splice(0, this.#done.length, ...this.segments.map(() => 0));
    await onDisk(async () => {
      await this.#writeHead();
      await this.#at.write(Buffer.alloc(this.segments.length * POSITION_BYTES), 0, undefined, HEAD_BYTES);
      await this.#data.truncate(0);
    });
    this.#moved();
  }

  async close(): Promise<void> {
    await this.#allNoted();
    this.#closed = true;
    await this.#data.close();
    await this.#at.close();
  }

  /** Gives the whole file its name, at once or not at all. Closes the part. */
  async finish(target: string): Promise<void> {
    await onDisk(async () => this.#data.sync());
    await this.close();
    await rename(this.path, target);
    await syncFolder(path.dirname(target));
    await rm(atOf(this.path), { force: true });
  }

  async #writeHead(): Promise<void> {
    const { etag, last_modified } = this.#validators;
    const text = JSON.stringify({ size: this.size, segment: this.#segmentBytes, etag, last_modified });
    await onDisk(async () => this.#at.write(Buffer.from(text.padEnd(HEAD_BYTES)), 0, HEAD_BYTES, 0));
  }

  #moved(): void {
    this.#advanced.resolve();
    this.#advanced = Promise.withResolvers();
  }
}

const atOf = (file: string): string => `${file}.at`;

function segmentsOf({ size, segment }: Pick<Head, "size" | "segment">): Segment[] {
  return Array.from({ length: Math.ceil(size / segment) }, (_none, index) => ({
    index,
    start: index * segment,
    end: Math.min(size, (index + 1) * segment),
  }));
}

/** What the file beside the part says, as far as it can be true. */
async function readPositions(file: string): Promise<{ head: Head; done: number[] } | undefined> {
  const at = await open(atOf(file), "r").catch(() => undefined);
  const data = await open(file, "r").catch(() => undefined);
  try {
    if (at === undefined || data === undefined) return undefined;
    const bytes = await at.readFile();
    const head = Head.parse(JSON.parse(bytes.toString("utf8", 0, HEAD_BYTES)));
    const there = (await data.stat()).size;
    const done = segmentsOf(head).map(({ index, start, end }) => {
      const position = Number(bytes.readBigUInt64LE(HEAD_BYTES + index * POSITION_BYTES));
      // After the power went the file may be shorter than the positions say.
      return Math.max(0, Math.min(position, end - start, there - start));
    });
    return { head, done };
  } catch {
    return undefined;
  } finally {
    await at?.close();
    await data?.close();
  }
}

/** Not on every system can a folder be opened. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r").catch(() => undefined);
  await handle?.sync().catch(() => undefined);
  await handle?.close();
}

const FULL = new Set(["ENOSPC", "EDQUOT", "EFBIG"]);

/** Work that fills the disk. @throws RbeeError disk_full */
export async function onDisk<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    const { code, path = "" } = cause as NodeJS.ErrnoException;
    if (code === undefined || !FULL.has(code)) throw cause;
    throw new RbeeError("disk_full", `the disk is full${path === "" ? "" : ` at ${path}`}; what came so far is kept`, {
      cause,
    });
  }
}
