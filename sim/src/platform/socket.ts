import type { Actor } from "./actor.ts";
import type { Pipe } from "./pipe.ts";

const OPEN = 1;
const CLOSING = 2;
const CLOSED = 3;

/** An object's end of a WebSocket: hibernates, remembers its attachment, answers pings by itself. */
export class ServerSocket {
  static readonly OPEN = OPEN;
  readyState: number = OPEN;
  tags: readonly string[] = [];
  actor: Actor | undefined;
  pipe: Pipe | undefined;
  /** Said before the other end was connected, as a fetch handler may. */
  readonly #early: ((pipe: Pipe) => void)[] = [];
  #attachment: unknown = null;
  /** When the platform last answered a ping, by the queen's clock. */
  pongAt: number | undefined;

  /** @throws TypeError after the own close, as the platform does */
  send(text: string): void {
    if (this.readyState === CLOSING) throw new TypeError("Can't call WebSocket send() after close().");
    if (this.readyState === OPEN) this.#out((pipe) => pipe.down(text));
  }

  close(code = 1000, reason = ""): void {
    if (this.readyState !== OPEN) return;
    this.readyState = CLOSING;
    this.#out((pipe) => pipe.closeByServer(code, reason));
  }

  serializeAttachment(value: unknown): void {
    this.#attachment = structuredCopy(value);
  }

  deserializeAttachment(): unknown {
    return structuredCopy(this.#attachment);
  }

  /** The Worker's end was handed out: what was said before goes first. */
  connect(pipe: Pipe): void {
    this.pipe = pipe;
    // The object was reset while its answer was on the way.
    if (this.readyState === CLOSED) pipe.loseServer();
    for (const say of this.#early.splice(0)) say(pipe);
  }

  /** The other end is gone. */
  closed(): void {
    this.readyState = CLOSED;
  }

  #out(say: (pipe: Pipe) => void): void {
    const send = () => (this.pipe === undefined ? void this.#early.push(say) : say(this.pipe));
    if (this.actor === undefined) send();
    else this.actor.out(send);
  }
}

/** Attachments are small flat values of the object's own making. */
const structuredCopy = (value: unknown): unknown =>
  typeof value === "object" && value !== null ? { ...value } : value;

/** `client` is what the Worker, or whoever dialled, gets. */
export class SimWebSocketPair {
  readonly 0: { readonly server: ServerSocket };
  readonly 1: ServerSocket;

  constructor() {
    this[1] = new ServerSocket();
    this[0] = { server: this[1] };
  }
}
