import fc from "fast-check";
import type { Op } from "@rbee/contracts";
import type { WebSocket } from "ws";
import type { WireFrame } from "./arbitraries.ts";
import { controlFrames, laneFrames } from "./frames.ts";
import { throwAt, type Fate, type RawHive } from "./sockets.ts";

/** Frames that follow each other on one socket: what comes behind a bad one meets a socket that is being closed. */
const BURST_MAX = 16;

/** Frames of a megabyte and more; few, since they take their time. */
const giant: fc.Arbitrary<WireFrame> = fc
  .tuple(fc.integer({ min: 1_400_000, max: 2_500_000 }), fc.boolean())
  .map(([size, binary]) => ({ bytes: Buffer.from(`{"t":"ev","first":1,"items":["${"x".repeat(size)}"]}`), binary }));

const burst = (frames: fc.Arbitrary<WireFrame>): fc.Arbitrary<WireFrame[]> =>
  fc.oneof(
    { weight: 200, arbitrary: fc.array(frames, { minLength: 1, maxLength: BURST_MAX }) },
    { weight: 1, arbitrary: fc.tuple(giant) },
  );

export const controlBursts = burst(controlFrames);
export const laneBursts = burst(laneFrames);

/** A socket that broke without a word is an object that was reset. */
function orderly(fate: Fate): void {
  if (!fate.alive && fate.code === 1006) throw new Error("the socket broke without a close: was the object reset?");
}

/** Throws bursts at the control socket of one hive: said hello or not, it is dialled anew when it was closed. */
export class ControlTarget {
  readonly #hive: RawHive;
  #socket: WebSocket | undefined;
  #dials = 0;

  constructor(hive: RawHive) {
    this.#hive = hive;
  }

  async take(frames: readonly WireFrame[]): Promise<void> {
    this.#dials += this.#socket === undefined ? 1 : 0;
    this.#socket ??= await (this.#dials % 4 === 0 ? this.#hive.welcomed() : this.#hive.control());
    const fate = await throwAt(this.#socket, frames);
    if (!fate.alive) this.#socket = undefined;
    orderly(fate);
  }

  /** An honest hive of that name is served as if nothing had been. */
  async finish(): Promise<void> {
    this.#socket?.terminate();
    (await this.#hive.welcomed()).terminate();
  }
}

/** The same for the lane of a job that this hive was given; ended by a frame, there is another. */
export class LaneTarget {
  readonly #hive: RawHive;
  #op: Op | undefined;
  #socket: WebSocket | undefined;

  constructor(hive: RawHive) {
    this.#hive = hive;
  }

  async take(frames: readonly WireFrame[]): Promise<void> {
    while (this.#socket === undefined) {
      this.#op ??= await this.#hive.job();
      this.#socket = await this.#hive.lane(this.#op);
      if (this.#socket === undefined) this.#op = undefined;
    }
    const fate = await throwAt(this.#socket, frames);
    if (!fate.alive) this.#socket = undefined;
    orderly(fate);
  }

  async finish(): Promise<void> {
    this.#socket?.terminate();
  }
}
