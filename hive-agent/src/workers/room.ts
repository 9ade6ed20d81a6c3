/** What a device has left. */
export interface Space {
  readonly device: string;
  readonly kind: string;
  readonly free: number;
}

/** A worker that takes memory. */
export interface Resident {
  readonly worker_id: string;
  readonly device: string;
  readonly bytes: number;
  /** Why it must stay; absent: it does nothing, and may go. */
  readonly why: string | undefined;
  /** It does not go by itself, whatever becomes of what runs on it. */
  readonly stays: boolean;
  /** When it was last used: any clock that goes on. */
  readonly used_at: number;
}

/** Where there is room, once these workers are gone. */
export interface Room {
  readonly device: string;
  readonly evict: readonly string[];
}

/**
 * The best kind of device decides first: idle workers on it go before a worse one is taken, but not where another of the
 * same kind has room. Those go that nobody used for longest, and no more than it takes. Pure. [EVICT-1]
 */
export function findRoom(bytes: number, spaces: readonly Space[], residents: readonly Resident[]): Room | undefined {
  for (const kind of new Set(spaces.map((space) => space.kind))) {
    const rooms = spaces
      .filter((space) => space.kind === kind)
      .flatMap(({ device, free }) => {
        const evict = evictions(
          bytes - free,
          residents.filter((one) => one.why === undefined && one.device === device),
        );
        return evict === undefined ? [] : [{ device, evict }];
      });
    const [room] = rooms.toSorted((one, other) => one.evict.length - other.evict.length);
    if (room !== undefined) return room;
  }
  return undefined;
}

/** Whom to stop for so much memory; undefined when all of them are not enough. */
function evictions(missing: number, idle: readonly Resident[]): string[] | undefined {
  const oldest = idle.toSorted((one, other) => one.used_at - other.used_at);
  const chosen: Resident[] = [];
  let freed = 0;
  for (const one of oldest) {
    if (freed >= missing) break;
    chosen.push(one);
    freed += one.bytes;
  }
  if (freed < missing) return undefined;
  // A large one at the end may have made small ones needless: those used last are spared first.
  for (const one of chosen.toReversed()) {
    if (freed - one.bytes < missing) continue;
    chosen.splice(chosen.indexOf(one), 1);
    freed -= one.bytes;
  }
  return chosen.map(({ worker_id }) => worker_id);
}
