import { PING } from "@rbee/contracts";
import type { Closed, Dial, Line, LineEvents, LineRequest } from "../line.ts";

export interface Frame {
  readonly t: string;
  readonly [field: string]: unknown;
}

/** A line without a network: the test plays the queen. */
export class FakeLine implements Line {
  readonly request: LineRequest;
  readonly events: LineEvents;
  readonly sent: string[] = [];
  state: "open" | "closed" | "terminated" = "open";

  constructor(request: LineRequest, events: LineEvents) {
    this.request = request;
    this.events = events;
  }

  send(text: string): void {
    this.sent.push(text);
  }

  close(): void {
    this.state = "closed";
  }

  terminate(): void {
    this.state = "terminated";
  }

  open(): void {
    this.events.opened();
  }

  say(frame: unknown): void {
    this.events.message(typeof frame === "string" ? frame : JSON.stringify(frame));
  }

  break(closed: Partial<Closed> = {}): void {
    this.events.closed({ code: 1006, reason: "broken", ...closed });
  }

  /** Frames sent since the last call, whatever messages they came in. */
  take(): Frame[] {
    return this.messages().flat();
  }

  /** Messages sent since the last call, each with its frames. */
  messages(): Frame[][] {
    return this.sent.splice(0).map((text) => {
      if (text === PING) return [{ t: PING }];
      const message = JSON.parse(text) as Frame | Frame[];
      return Array.isArray(message) ? message : [message];
    });
  }
}

export class FakeDial {
  readonly lines: FakeLine[] = [];
  readonly dial: Dial = (request, events) => {
    const line = new FakeLine(request, events);
    this.lines.push(line);
    return line;
  };

  get last(): FakeLine {
    const line = this.lines.at(-1);
    if (line === undefined) throw new Error("nothing was dialled");
    return line;
  }
}
