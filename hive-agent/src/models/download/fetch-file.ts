import { bytesInWords, limits, RbeeError } from "@rbee/contracts";
import { mkdir, stat, statfs } from "node:fs/promises";
import path from "node:path";
import { Part } from "./part.ts";
import { Shared } from "./shared.ts";
import { Transfer, type RemoteFile, type TransferTools } from "./transfer.ts";

/** A file to fetch, and where it shall be. */
export interface Wanted {
  readonly remote: RemoteFile;
  readonly target: string;
  /** Where its bytes are kept until all of them are there; beside the target. */
  readonly part: string;
}

export interface FileFetcherOptions extends TransferTools {
  readonly segment_bytes: number;
  readonly headroom_bytes: number;
}

/** Brings files to this disk, each at most once at a time. */
export class FileFetcher {
  readonly #options: FileFetcherOptions;
  readonly #shared = new Shared<string>();
  /** Bytes that are still to come, by target. */
  readonly #open = new Map<string, Part>();

  constructor(options: FileFetcherOptions) {
    this.#options = options;
  }

  /** Resolves with its digest when the whole file has its name. @throws RbeeError */
  async fetch(wanted: Wanted, signal: AbortSignal): Promise<string> {
    return await this.#shared.join(wanted.target, async (shared) => this.#fetch(wanted, shared), signal);
  }

  /** Bytes of it that are on disk. */
  async done({ target, part, remote }: Wanted): Promise<number> {
    const open = this.#open.get(target);
    if (open !== undefined) return open.done;
    const whole = await stat(target).catch(() => undefined);
    return whole === undefined ? ((await Part.doneOf(part)) ?? 0) : remote.size;
  }

  isFetching(target: string): boolean {
    return this.#shared.has(target);
  }

  async stop(target: string, reason: Error): Promise<void> {
    await this.#shared.stop(target, reason);
  }

  async stopAll(reason: Error): Promise<void> {
    await this.#shared.stopAll(reason);
  }

  /** @throws RbeeError disk_full, with the numbers */
  async requireRoom(folder: string, bytes: number): Promise<void> {
    await mkdir(folder, { recursive: true });
    const { bavail, bsize } = await statfs(folder);
    const coming = [...this.#open.values()].reduce((sum, part) => sum + part.size - part.done, 0);
    const free = bavail * bsize - coming - this.#options.headroom_bytes;
    if (bytes <= free) return;
    throw new RbeeError(
      "disk_full",
      `${bytesInWords(bytes)} are still to come, and ${folder} has room for ${bytesInWords(Math.max(0, free))}, with ${bytesInWords(this.#options.headroom_bytes)} kept free`,
    );
  }

  async #fetch({ remote, target, part: file }: Wanted, signal: AbortSignal): Promise<string> {
    const { size } = remote;
    if (size > limits.download_bytes_max)
      throw new RbeeError("download_failed", `a file of ${bytesInWords(size)} is not fetched`);
    await this.requireRoom(path.dirname(target), size - ((await Part.doneOf(file)) ?? 0));
    const part = await Part.open(file, { size, segment: this.#options.segment_bytes });
    this.#open.set(target, part);
    try {
      const digest = await new Transfer(remote, part, this.#options).run(signal);
      await part.finish(target);
      return digest;
    } finally {
      this.#open.delete(target);
      await part.close();
    }
  }
}
