import { limits, RbeeError } from "@rbee/contracts";
import { Final, Passing, refusePage, refuseStatus, retrying, type Patience } from "../fetch/retry.ts";
import type { Throttle } from "../fetch/throttle.ts";
import type { Web, WebResponse } from "../fetch/web.ts";
import type { Part, Segment, Validators } from "./part.ts";
import { digestOf, type Digest } from "./verify.ts";

/** One file on a server. */
export interface RemoteFile {
  readonly url: URL;
  readonly size: number;
  /** Absent on plain servers: then the bytes are only as right as TLS and their number make them. */
  readonly digest?: Digest | undefined;
}

export interface TransferTools {
  readonly web: Web;
  readonly throttle: Throttle;
  readonly patience: Patience;
  readonly connections: number;
}

/** What came does not belong to what is there already, or the server knows no ranges. */
class StartOver extends Final {
  readonly ranges: boolean;
  constructor(why: string, ranges = true) {
    super(why);
    this.ranges = ranges;
  }
}

/** Fetches one file into its part: over several connections, where the server allows, and from where it stopped. [MODEL-2] */
export class Transfer {
  readonly #file: RemoteFile;
  readonly #part: Part;
  readonly #tools: TransferTools;
  /** False once the server has shown that it only gives whole files. */
  #ranges = true;

  constructor(file: RemoteFile, part: Part, tools: TransferTools) {
    this.#file = file;
    this.#part = part;
    this.#tools = tools;
  }

  /**
   * Resolves with the file's sha256, or the git name of a small one, when all of it is in the part and right.
   * @throws RbeeError; what came so far stays in the part, unless it proved wrong
   */
  async run(signal: AbortSignal): Promise<string> {
    if (!this.#mayResume()) await this.#part.reset();
    for (let restarts = 0; ; restarts += 1) {
      try {
        return await this.#attempt(signal);
      } catch (error) {
        if (!(error instanceof StartOver)) throw error;
        this.#ranges &&= error.ranges;
        await this.#part.reset();
        if (error.ranges && restarts >= limits.download_restarts_max)
          throw new RbeeError("download_failed", error.message);
      }
    }
  }

  async #attempt(signal: AbortSignal): Promise<string> {
    const over = new AbortController();
    const either = AbortSignal.any([signal, over.signal]);
    const stop = (error: unknown) => over.abort(error);
    const digesting = digestOf(this.#part, this.#file.digest?.algorithm ?? "sha256", either);
    digesting.catch(stop);
    // Nobody may still write when the part is closed or begun anew.
    const [digested] = await Promise.allSettled([digesting, this.#fetchAll(either, stop)]);
    signal.throwIfAborted();
    over.signal.throwIfAborted();
    if (digested.status === "rejected") throw digested.reason;
    const { digest: wanted } = this.#file;
    if (wanted !== undefined && digested.value !== wanted.hex) {
      throw new StartOver(
        `what came from ${this.#file.url.origin} is damaged: its digest is not the one the hub names`,
      );
    }
    return digested.value;
  }

  /** Without a digest only a validator tells that the rest belongs to what is there. */
  #mayResume(): boolean {
    return this.#file.digest !== undefined || ifRangeOf(this.#part.validators) !== undefined;
  }

  /** Settles when nobody fetches any more; a failure of one connection stops them all. */
  async #fetchAll(signal: AbortSignal, stop: (error: unknown) => void): Promise<void> {
    if (!this.#ranges) return await this.#fetchWhole(signal).catch(stop);
    const open = this.#part.segments.filter((segment) => this.#part.position(segment) < segment.end);
    // The first answer shows what the server can; only then others join in.
    const answered = Promise.withResolvers<void>();
    const connection = async () => {
      for (let next = open.shift(); next !== undefined; next = open.shift()) {
        await this.#fetchSegment(next, signal, answered.resolve);
      }
    };
    const leader = connection().catch(stop).finally(answered.resolve);
    await answered.promise;
    const others = Array.from({ length: this.#tools.connections - 1 }, async () => connection().catch(stop));
    await Promise.all([leader, ...others]);
  }

  async #fetchSegment(segment: Segment, signal: AbortSignal, answered: () => void): Promise<void> {
    const part = this.#part;
    await retrying(
      async (moved) => {
        if (part.position(segment) >= segment.end) return;
        const from = part.position(segment);
        const ifRange = ifRangeOf(part.validators);
        const range = {
          range: `bytes=${from}-${segment.end - 1}`,
          ...(ifRange === undefined ? {} : { "if-range": ifRange }),
        };
        const response = await this.#tools.web.fetch(this.#file.url, { headers: range, signal });
        try {
          await this.#judge(response, from);
          answered();
          await this.#take(response, { segments: [segment], moved, signal });
        } finally {
          response.body.destroy();
        }
        if (part.position(segment) < segment.end) throw new Passing(`${response.url.origin} ended the answer early`);
      },
      { signal, patience: this.#tools.patience },
    );
  }

  async #fetchWhole(signal: AbortSignal): Promise<void> {
    await retrying(
      async (moved) => {
        const { done } = this.#part;
        if (done === this.#part.size) return;
        if (done > 0) await this.#part.reset();
        const response = await this.#tools.web.fetch(this.#file.url, { signal });
        try {
          if (response.status !== 200) refuseStatus(response);
          refusePage(response);
          this.#expectLength(response, Number(response.header("content-length") ?? this.#file.size));
          // Bytes that have to come again are no progress: such a server is tried only so often.
          await this.#take(response, { segments: this.#part.segments, moved: () => undefined, signal });
        } finally {
          response.body.destroy();
        }
        if (!this.#part.complete) throw new Passing(`${response.url.origin} ended the answer early`);
        moved();
      },
      { signal, patience: this.#tools.patience },
    );
  }

  /** Is this the range that was asked for, of the same file? */
  async #judge(response: WebResponse, from: number): Promise<void> {
    const { status, url } = response;
    const { validators } = this.#part;
    const now: Validators = { etag: response.header("etag"), last_modified: response.header("last-modified") };
    if (status === 416) throw new StartOver(`${url.origin} has a shorter file than it said`);
    if (status === 200) {
      refusePage(response);
      this.#expectLength(response, Number(response.header("content-length") ?? this.#file.size));
      // The same file, and all of it: this server gives no ranges.
      throw new StartOver(`the file changed at ${url.origin} while it was fetched`, !isSame(validators, now));
    }
    if (status !== 206) refuseStatus(response);
    const range = /^bytes (?<from>\d+)-\d+\/(?<total>\d+|\*)$/.exec(response.header("content-range") ?? "")?.groups;
    if (Number(range?.["from"]) !== from) throw new Passing(`${url.origin} sends another range than was asked for`);
    if (range?.["total"] !== "*") this.#expectLength(response, Number(range?.["total"]));
    if (!isSame(validators, now)) throw new StartOver(`the file changed at ${url.origin} while it was fetched`);
    if (validators.etag === undefined && validators.last_modified === undefined) await this.#part.remember(now);
  }

  #expectLength({ url }: WebResponse, length: number): void {
    if (length === this.#file.size) return;
    throw new Passing(`${url.origin} says the file has ${length} bytes, not ${this.#file.size}`);
  }

  async #take(
    { body, url }: WebResponse,
    { segments, moved, signal }: { segments: readonly Segment[]; moved: () => void; signal: AbortSignal },
  ): Promise<void> {
    let index = 0;
    for await (const chunk of body as AsyncIterable<Buffer>) {
      await this.#tools.throttle.take(chunk.length, signal);
      for (let rest = chunk; rest.length > 0;) {
        const segment = segments[index];
        // More than was asked for is none of ours.
        if (segment === undefined) return;
        const room = segment.end - this.#part.position(segment);
        const piece = rest.subarray(0, room);
        if (segment.start === 0 && this.#part.position(segment) === 0) expectGguf(piece, url);
        if (piece.length > 0) await this.#part.write(segment, piece);
        signal.throwIfAborted();
        moved();
        rest = rest.subarray(piece.length);
        if (this.#part.position(segment) >= segment.end) index += 1;
      }
    }
  }
}

/** A page of some portal may come in any guise. @throws RbeeError download_failed */
function expectGguf(piece: Buffer, url: URL): void {
  const MAGIC = "GGUF";
  const begins = piece.toString("latin1", 0, MAGIC.length);
  if (MAGIC.startsWith(begins)) return;
  throw new RbeeError("download_failed", `what ${url.origin} sends is no GGUF file`);
}

/** A weak ETag cannot vouch for bytes. */
function ifRangeOf({ etag, last_modified }: Validators): string | undefined {
  return etag !== undefined && !etag.startsWith("W/") ? etag : last_modified;
}

function isSame(known: Validators, now: Validators): boolean {
  if (known.etag !== undefined) return now.etag === known.etag;
  return known.last_modified === undefined || now.last_modified === known.last_modified;
}
