import { limits, RbeeError, type JobEvent } from "@rbee/contracts";
import { keyEnded } from "../../key-sockets.ts";
import { confirmation, readerCloses } from "../../reader-socket.ts";

/** An event of a job, with its place in the log where it has one. */
export interface ReadEvent {
  readonly event: JobEvent;
  readonly id?: string;
}

/** Reads a job's events from its object, no faster than they are taken. */
export class JobReader {
  readonly #socket: WebSocket;
  readonly #messages: string[] = [];
  #wake: (() => void) | undefined;
  #closed = false;
  #keyEnded = false;

  constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.addEventListener("message", ({ data }) => {
      if (typeof data === "string") this.#messages.push(data);
      this.#wake?.();
    });
    socket.addEventListener("close", ({ code }) => {
      this.#keyEnded = code === keyEnded.code;
      this.#end();
    });
    socket.addEventListener("error", () => this.#end());
    socket.accept();
  }

  /** Events as they come, up to the job's last. Ends early when the line to the job breaks. @throws RbeeError unauthorized */
  async *events(): AsyncGenerator<ReadEvent, void, void> {
    let taken = 0;
    for (;;) {
      const message = this.#messages.shift();
      if (message === undefined) {
        if (this.#keyEnded) throw new RbeeError("unauthorized", keyEnded.reason);
        if (this.#closed) return;
        await new Promise<void>((resolve) => (this.#wake = resolve));
        continue;
      }
      yield* parse(message);
      taken += message.length;
      // Each confirmation may wake the job's object, so they are few.
      if (taken < limits.reader_confirm_chars || this.#closed) continue;
      this.#socket.send(confirmation(taken));
      taken = 0;
    }
  }

  /** The client is gone: whether that cancels the job was said when the reader was opened. */
  leave(): void {
    this.#close(readerCloses.left);
  }

  /** Nothing more is wanted, and the job goes on. */
  close(): void {
    this.#close(readerCloses.done);
  }

  /** The job is over: its object hangs up by itself. */
  end(): void {
    this.#end();
  }

  #close({ code, reason }: { code: number; reason: string }): void {
    if (!this.#closed) this.#socket.close(code, reason);
    this.#end();
  }

  #end(): void {
    this.#closed = true;
    this.#wake?.();
  }
}

/** The object sends whole server-sent events. */
function* parse(message: string): Generator<ReadEvent, void> {
  for (const block of message.split("\n\n")) {
    // U+2028 ends a line for a pattern, unless it is told that a dot is any character.
    const { id, data } = /^(?:id: (?<id>\S+)\n)?data: (?<data>.*)$/s.exec(block)?.groups ?? {};
    if (data === undefined || data === "[DONE]") continue;
    const event = JSON.parse(data) as JobEvent;
    yield id === undefined ? { event } : { event, id };
  }
}
