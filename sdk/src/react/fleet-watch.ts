import type { FleetState } from "@rbee/contracts";
import type { RbeeClient } from "../rbee-client.ts";

/** The live state, and whether it is. */
export interface Live {
  /** Absent until the first word. What was said last stays while the stream is down. */
  readonly fleet: FleetState | undefined;
  readonly connected: boolean;
  /** Refused: the key is wrong, or not an operator's. */
  readonly error: Error | undefined;
}

const nothing: Live = { fleet: undefined, connected: false, error: undefined };

/** One stream of heartbeats for everything on a page; it stands only while somebody looks. */
export class FleetWatch {
  readonly #client: RbeeClient;
  readonly #lookers = new Set<() => void>();
  #live = nothing;
  #reading: AbortController | undefined;

  constructor(client: RbeeClient) {
    this.#client = client;
  }

  readonly now = (): Live => this.#live;

  readonly subscribe = (look: () => void): (() => void) => {
    this.#lookers.add(look);
    if (this.#reading === undefined) void this.#read((this.#reading = new AbortController()).signal);
    return () => {
      this.#lookers.delete(look);
      if (this.#lookers.size > 0) return;
      this.#reading?.abort();
      this.#reading = undefined;
    };
  };

  async #read(signal: AbortSignal): Promise<void> {
    const tell = (news: Partial<Live>): void => {
      if (signal.aborted) return;
      this.#live = { ...this.#live, ...news };
      for (const look of this.#lookers) look();
    };
    const onConnection = (connected: boolean): void => tell({ connected, error: undefined });
    try {
      for await (const fleet of this.#client.heartbeats({ signal, onConnection })) tell({ fleet });
    } catch (error) {
      tell({ connected: false, error: error as Error });
    }
  }
}
