import { PING, PONG } from "@rbee/contracts";
import type { Platform } from "./platform.ts";
import type { ServerSocket } from "./socket.ts";

/** The end that dialled: a hive's line, or the Worker on behalf of a reader. */
export interface ClientEnd {
  readonly label: string;
  /** Whether frames of it can be lost or changed on the way; else the connection only breaks as a whole. */
  readonly lossy: boolean;
  opened(): void;
  message(text: string): void;
  closed(code: number, reason: string): void;
}

const isPing = (text: string): boolean => text === PING || text === PONG;

/** One connection between a client and an object: ordered both ways, until a fault says otherwise. */
export class Pipe {
  readonly label: string;
  readonly #platform: Platform;
  readonly #client: ClientEnd;
  readonly #server: ServerSocket;
  #open = false;
  /** When the client learnt that it is open. */
  openedAt = 0;
  /** Nothing passes any more, and not everybody knows. */
  #dead = false;
  #clientGone = false;
  #serverGone = false;
  /** When the newest frame of each direction arrives: none overtakes it. */
  #lastUp = 0;
  #lastDown = 0;

  constructor(platform: Platform, client: ClientEnd, server: ServerSocket) {
    this.#platform = platform;
    this.#client = client;
    this.#server = server;
    this.label = client.label;
    platform.pipes.add(this);
    this.#lastDown = platform.schedule.now + platform.latency();
    platform.schedule.at(this.#lastDown, () => {
      if (this.#dead || this.#clientGone || this.#serverGone) return;
      this.#open = true;
      this.openedAt = platform.schedule.now;
      client.opened();
    });
    server.connect(this);
  }

  get isOpen(): boolean {
    return this.#open && !this.#dead && !this.#clientGone && !this.#serverGone;
  }

  /** Client → object. */
  up(text: string): void {
    if (this.#dead || this.#clientGone) return;
    this.#lastUp = this.#send(text, this.#lastUp, (text) => this.#arriveUp(text));
  }

  /** Object → client. */
  down(text: string): void {
    if (this.#dead || this.#serverGone) return;
    this.#platform.observer.said(this.#server, text);
    this.#lastDown = this.#send(text, this.#lastDown, (text) => this.#arriveDown(text));
  }

  closeByServer(code: number, reason: string): void {
    if (this.#dead || this.#serverGone) return;
    this.#lastDown = Math.max(this.#lastDown, this.#platform.schedule.now + this.#platform.latency());
    this.#platform.schedule.at(this.#lastDown, () => {
      if (this.#dead || this.#clientGone) return;
      this.#loseClient(code, reason);
      // The other end answers the close, behind all that it had said.
      const { schedule } = this.#platform;
      this.#tellServer(Math.max(this.#lastUp - schedule.now, this.#platform.latency()), code);
    });
  }

  closeByClient(code: number): void {
    if (this.#clientGone) return;
    this.#clientGone = true;
    this.#platform.pipes.delete(this);
    if (this.#dead) return;
    const at = Math.max(this.#lastUp, this.#platform.schedule.now + this.#platform.latency());
    this.#tellServer(at - this.#platform.schedule.now, code);
  }

  /** The connection breaks, and both ends hear of it. */
  cut(): void {
    if (this.#dead) return;
    this.#dead = true;
    const { schedule } = this.#platform;
    schedule.after(this.#platform.latency(), () => this.#loseClient(1006, "the line broke"));
    this.#tellServer(this.#platform.latency(), 1006);
  }

  /** Nothing passes any more. The client finds out by its own pings; the object is told late, or never. */
  halfOpen(client_ms: number, server_ms: number | undefined): void {
    if (this.#dead) return;
    this.#dead = true;
    this.#platform.schedule.after(client_ms, () => this.#loseClient(1006, "no pong"));
    if (server_ms !== undefined) this.#tellServer(server_ms, 1006);
  }

  /** The client's machine is gone without a word. */
  vanish(server_ms: number | undefined): void {
    this.#clientGone = true;
    this.#dead = true;
    this.#platform.pipes.delete(this);
    if (server_ms !== undefined) this.#tellServer(server_ms, 1006);
  }

  /** The object was reset: its end is gone. */
  loseServer(): void {
    this.#serverGone = true;
    if (!this.#dead) this.#platform.schedule.after(this.#platform.latency(), () => this.#loseClient(1006, "reset"));
  }

  #send(text: string, last: number, arrive: (text: string) => void): number {
    const { schedule, faults } = this.#platform;
    const time = Math.max(last, schedule.now + this.#platform.latency());
    const fault = this.#client.lossy && !isPing(text) ? faults.frame() : undefined;
    if (fault === undefined) {
      schedule.at(time, () => arrive(text));
      return time;
    }
    this.#platform.trace(() => `fault: ${fault.kind} on ${this.label}: ${text.slice(0, 120)}`);
    switch (fault.kind) {
      case "drop":
        return last;
      case "truncate":
        schedule.at(time, () => arrive(text.slice(0, Math.floor(text.length / 2))));
        return time;
      case "duplicate":
        schedule.at(time, () => arrive(text));
        schedule.at(time, () => arrive(text));
        return time;
      case "doubled":
        schedule.at(time, () => arrive(doubled(text)));
        return time;
      case "repeated":
        schedule.at(time, () => arrive(text));
        if (text.startsWith('{"t":"op"')) schedule.at(time + fault.ms, () => arrive(text));
        return time;
      case "stall":
        schedule.at(time + fault.ms, () => arrive(text));
        return time + fault.ms;
      case "overtaken":
        schedule.at(time + fault.ms, () => arrive(text));
        return time;
    }
  }

  #arriveUp(text: string): void {
    // What was on its way when the object closed its end still arrives.
    if (this.#dead || this.#serverGone) return;
    const { actor } = this.#server;
    this.#platform.observer.heard(this.#server);
    if (text === PING) {
      this.#server.pongAt = this.#platform.queenTime();
      return this.down(PONG);
    }
    this.#platform.trace(() => `${this.label} -> ${text.slice(0, 300)}`);
    actor?.message(this.#server, text);
  }

  #arriveDown(text: string): void {
    if (this.#dead || this.#clientGone || !this.#open) return;
    if (text !== PONG) this.#platform.trace(() => `${this.label} <- ${text.slice(0, 300)}`);
    this.#client.message(text);
  }

  #loseClient(code: number, reason: string): void {
    if (this.#clientGone) return;
    this.#clientGone = true;
    this.#platform.pipes.delete(this);
    this.#platform.trace(() => `${this.label} closed ${code} ${reason}`);
    this.#client.closed(code, reason);
  }

  #tellServer(ms: number, code: number): void {
    this.#platform.schedule.after(ms, () => {
      if (this.#serverGone) return;
      this.#serverGone = true;
      this.#server.closed();
      this.#server.actor?.socketClosed(this.#server, code);
    });
  }
}

/** A list of frames, or one, with each of them again behind the last. Frames of the control socket come alone. */
function doubled(text: string): string {
  const message = JSON.parse(text) as { t?: string; frames?: unknown[] } | unknown[];
  const lanes = Array.isArray(message) || /^(ev|end|flush|ack|ready|end_ack|cancel)$/.test(message.t ?? "");
  if (lanes) return JSON.stringify([message, message].flat());
  if (message.frames === undefined) return text;
  return JSON.stringify({ ...message, frames: [...message.frames, ...message.frames] });
}
