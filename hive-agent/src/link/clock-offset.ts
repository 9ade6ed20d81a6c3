import { limits } from "@rbee/contracts";

/**
 * The queen's clock as seen from here. Signatures carry a time; a machine whose own clock is off learns the right one
 * from the queen's refusal, once, without touching its clock.
 */
export class ClockOffset {
  #offset_ms = 0;

  toQueen(wall: number): number {
    return wall + this.#offset_ms;
  }

  /** Whether a refusal is explained by the clock, which is corrected then. */
  correct(wall: number, queen_time: number): boolean {
    const error = queen_time - this.toQueen(wall);
    // Half of what the queen tolerates: the refusal itself took a while to arrive.
    if (Math.abs(error) < limits.signature_skew_ms / 2) return false;
    this.#offset_ms += error;
    return true;
  }
}
