import type { FleetState } from "@rbee/contracts";
import { RbeeError } from "../error.ts";
import type { RbeeClient } from "../rbee-client.ts";
import { bounds, delayAfter, pause } from "../retry.ts";

/** The live state, and whether it is. */
export interface Live {
  /** Absent until the first word. What was said last stays while the stream is down. */
  readonly fleet: FleetState | undefined;
  readonly connected: boolean;
  /** Why it is not, when something did answer: a refusal of the key, which stays, or a stranger, who is asked again. */
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
    for (let failures = 1; ; failures++) {
      try {
        for await (const fleet of this.#client.heartbeats({ signal, onConnection })) {
          failures = 0;
          tell({ fleet });
        }
      } catch (error) {
        tell({ connected: false, error: error as Error });
        if (signal.aborted || !(error instanceof RbeeError) || isRefusal(error)) return;
        // Something else answers at the queen's address: a network that wants a login first, a deploy half done.
        await pause(delayAfter(failures, bounds.resume_delay_ms, error), signal).catch(() => undefined);
      }
    }
  }
}

const isRefusal = ({ code }: RbeeError): boolean => code === "unauthorized" || code === "forbidden";
