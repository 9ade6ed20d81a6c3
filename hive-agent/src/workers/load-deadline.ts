import { limits } from "@rbee/contracts";

/** How long a model of this size may take to load, even if nothing is heard of it. */
export const loadTime = ({ size_bytes }: { readonly size_bytes: number }): number =>
  limits.load_base_ms + Math.ceil((size_bytes / 1024 ** 3) * limits.load_ms_per_gib);

/** Ends when the time for the size is up, and beyond that when the load got no further for a while. */
export class LoadDeadline {
  readonly #now: () => number;
  #at: number;
  #furthest = 0;

  constructor(ms: number, now: () => number = () => performance.now()) {
    this.#now = now;
    this.#at = now() + ms;
  }

  /** @returns the share that is loaded, as given */
  moved(progress: number): number {
    if (progress > this.#furthest) {
      this.#furthest = progress;
      this.#at = Math.max(this.#at, this.#now() + limits.load_stall_ms);
    }
    return progress;
  }

  /** Milliseconds. */
  left(): number {
    return Math.max(0, this.#at - this.#now());
  }
}
