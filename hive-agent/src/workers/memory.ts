import { RbeeError, type Device } from "@rbee/contracts";
import type { ModelFile } from "../models/catalogue.ts";
import { findRoom, type Resident, type Space } from "./room.ts";

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

/** A model that is to be loaded, and what that takes. */
export interface Need {
  readonly id: string;
  readonly bytes: number;
}

/** Memory that is spoken for. */
export interface Reserved {
  release(): void;
}

/** There is no room; whether there will be, once others are ready or done. */
export class NoRoom extends RbeeError {
  readonly passes: boolean;

  constructor(detail: string, passes: boolean) {
    super("insufficient_memory", detail);
    this.passes = passes;
  }
}

/** Memory that workers which are still loading will take, by device: its driver does not know of it yet. [WORK-1] */
export class Reservations {
  readonly #bytes = new Map<string, number>();

  snapshot(): ReadonlyMap<string, number> {
    return new Map(this.#bytes);
  }

  /**
   * Takes room on a device, or says which idle workers must go first. `before`: what was reserved before the devices were
   * looked at. What was let go since then is in use now, and they do not show it.
   * @throws NoRoom with the numbers
   */
  take(
    devices: readonly Device[],
    { id, bytes }: Need,
    { before, residents }: { before: ReadonlyMap<string, number>; residents: readonly Resident[] },
  ): { device: Device; memory: Reserved } | { evict: readonly string[] } {
    const spaces = devices.map((device) => {
      const reserved = Math.max(before.get(device.id) ?? 0, this.#bytes.get(device.id) ?? 0);
      const free = Math.max(0, device.memory_free_bytes - reserved);
      return { device: device.id, kind: device.kind, total: device.memory_total_bytes, free, reserved };
    });
    const room = findRoom(bytes, spaces, residents);
    const device = devices.find((one) => one.id === room?.device);
    if (room === undefined || device === undefined) throw noRoom({ id, bytes }, spaces, residents);
    if (room.evict.length > 0) return { evict: room.evict };
    this.#add(device.id, bytes);
    return { device, memory: { release: () => this.#add(device.id, -bytes) } };
  }

  #add(id: string, bytes: number): void {
    this.#bytes.set(id, (this.#bytes.get(id) ?? 0) + bytes);
  }
}

type Taken = Space & { readonly total: number; readonly reserved: number };

function noRoom(need: Need, spaces: readonly Taken[], residents: readonly Resident[]): NoRoom {
  const had = spaces.map(({ device, free, total }) => `${device} has ${gib(free)} of ${gib(total)} free`);
  const there = spaces.flatMap(({ device }) => residents.filter((one) => one.device === device && one.bytes > 0));
  const kept = there.map(
    ({ worker_id, bytes, why }) => `${worker_id} keeps ${gib(bytes)}${why === undefined ? "" : ` (${why})`}`,
  );
  const detail = `${need.id} needs about ${gib(need.bytes)}; ${[...had, ...kept].join("; ")}`;
  const passes = spaces.some((space) => need.bytes <= sooner(space, residents));
  return new NoRoom(detail, passes);
}

/** What a device will have without anybody's doing. Workers that start are reserved for already. */
const sooner = ({ device, free, reserved }: Taken, residents: readonly Resident[]): number =>
  residents
    .filter((one) => one.device === device && !one.stays && one.why !== "starting")
    .reduce((bytes, one) => bytes + one.bytes, free + reserved);

const gib = (bytes: number): string => `${(bytes / GIB).toFixed(2)} GiB`;
