import type { Closed, Dial, Line, LineEvents, LineRequest } from "../line.ts";

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

  /** Frames sent since the last call. */
  take(): { t: string; [field: string]: unknown }[] {
    return this.sent.splice(0).map((text) => (text === "ping" ? { t: "ping" } : (JSON.parse(text) as { t: string })));
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
