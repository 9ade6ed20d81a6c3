/** What to dial. */
export interface LineRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly protocol?: string;
}

/** Why a line is gone, or never was. */
export interface Closed {
  /** WebSocket close code; 1006 when it just broke. */
  readonly code: number;
  readonly reason: string;
  /** HTTP status, when the upgrade was answered with something else. */
  readonly status?: number;
  /** The queen's clock, in milliseconds, when the answer told it. */
  readonly queen_time?: number;
}

export interface LineEvents {
  opened(): void;
  message(text: string): void;
  /** Exactly once, also for a line that never opened. Nothing comes after it. */
  closed(closed: Closed): void;
}

/** One WebSocket to the queen, as much of it as the link needs. */
export interface Line {
  send(text: string): void;
  close(why: { code: number; reason: string }): void;
  /** Drops it without a word; for a line that is dead already. */
  terminate(): void;
}

export type Dial = (request: LineRequest, events: LineEvents) => Line;

/** `http(s)://queen` and a path, as a WebSocket address. */
export const socketUrl = (queen_url: string, path: string): string =>
  `${queen_url.replace(/\/+$/, "").replace(/^http/i, "ws")}${path}`;
