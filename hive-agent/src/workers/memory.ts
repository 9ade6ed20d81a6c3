import { RbeeError, type Device } from "@rbee/contracts";
import type { ModelFile } from "../models/catalogue.ts";

/** Keys and values are kept in half precision. */
const CACHE_NUMBER_BYTES = 2;
/** The engine evaluates at most this many tokens at once, and makes room for the scores of every word for each. */
const BATCH_TOKENS = 512;
const SCORE_BYTES = 4;
const GIB = 1024 ** 3;

/** What a worker will take: the weights, the context of all its slots, and the working memory of one batch. */
export function memoryNeed(model: ModelFile, contextTokens: number): number {
  const { layers = 0, cache_width = 0, vocabulary = 0 } = model.header;
  const cache = layers * cache_width * contextTokens * CACHE_NUMBER_BYTES;
  const scores = Math.min(BATCH_TOKENS, contextTokens) * vocabulary * SCORE_BYTES;
  return model.size_bytes + cache + scores;
}

/** Memory that is spoken for. */
export interface Reserved {
  release(): void;
}

/** Memory that workers which are still loading will take, by device: its driver does not know of it yet. [WORK-1] */
export class Reservations {
  readonly #bytes = new Map<string, number>();

  snapshot(): ReadonlyMap<string, number> {
    return new Map(this.#bytes);
  }

  /**
   * Takes the first device with room. `before`: what was reserved before the devices were looked at. What was let go
   * since then is in use now, and they do not show it. @throws RbeeError insufficient_memory, with the numbers
   */
  take(
    devices: readonly [Device, ...Device[]],
    { model, tokens }: { model: ModelFile; tokens: number },
    before: ReadonlyMap<string, number>,
  ): { device: Device; memory: Reserved } {
    const bytes = memoryNeed(model, tokens);
    const spaces = devices.map((device) => {
      const reserved = Math.max(before.get(device.id) ?? 0, this.#bytes.get(device.id) ?? 0);
      return { device, free: Math.max(0, device.memory_free_bytes - reserved) };
    });
    const place = spaces.find(({ free }) => bytes <= free);
    if (place === undefined) throw tooLarge({ id: model.id, bytes }, spaces);
    const { device } = place;
    this.#add(device.id, bytes);
    return { device, memory: { release: () => this.#add(device.id, -bytes) } };
  }

  #add(id: string, bytes: number): void {
    this.#bytes.set(id, (this.#bytes.get(id) ?? 0) + bytes);
  }
}

function tooLarge(need: { id: string; bytes: number }, spaces: readonly { device: Device; free: number }[]): RbeeError {
  const had = spaces.map(
    ({ device, free }) => `${device.id} has ${gib(free)} of ${gib(device.memory_total_bytes)} free`,
  );
  return new RbeeError("insufficient_memory", `${need.id} needs about ${gib(need.bytes)}, ${had.join(", ")}`);
}

const gib = (bytes: number): string => `${(bytes / GIB).toFixed(2)} GiB`;
