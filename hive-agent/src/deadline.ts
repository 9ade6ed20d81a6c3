/** A time by which something is given up; it can be brought forward, never put off. */
export class Deadline {
  readonly #passed = Promise.withResolvers<false>();
  #at = Infinity;
  #timer: NodeJS.Timeout | undefined;

  within(ms: number): void {
    const at = performance.now() + ms;
    if (at >= this.#at) return;
    this.#at = at;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#passed.resolve(false), ms);
  }

  /** Whether it happens in time. */
  async before(event: Promise<unknown>): Promise<boolean> {
    const inTime = await Promise.race([event.then(() => true), this.#passed.promise]);
    clearTimeout(this.#timer);
    return inTime;
  }
}
