import type { Actor } from "./actor.ts";
import type { Platform } from "./platform.ts";
import type { Happening } from "./schedule.ts";

/**
 * Rings the objects' alarms: a little late, and with faults late, early or twice. Once planned, an alarm does not mind the
 * queen's clock any more, as the local platform's does not.
 */
export class Alarms {
  readonly #platform: Platform;
  readonly #armed = new Map<Actor, { at: number; happening: Happening }>();

  constructor(platform: Platform) {
    this.#platform = platform;
  }

  /** Holds the plan to what the object's storage says. */
  arm(actor: Actor): void {
    const { alarm } = actor.storage;
    const armed = this.#armed.get(actor);
    if (armed !== undefined) {
      if (armed.at === alarm) return;
      armed.happening.run = undefined;
      this.#armed.delete(actor);
    }
    if (alarm !== null) this.#plan(actor, alarm);
  }

  #plan(actor: Actor, at: number): void {
    const { schedule, faults } = this.#platform;
    const fault = faults.alarm();
    let wait = Math.max(0, at - this.#platform.queenTime()) + this.#platform.latency();
    if (fault !== undefined) this.#platform.trace(() => `fault: ${fault.kind} on ${actor.name}`);
    if (fault?.kind === "alarm_late") wait += fault.ms;
    if (fault?.kind === "alarm_early") wait = Math.max(0, wait - fault.ms);
    const happening = schedule.after(wait, () => {
      this.#armed.delete(actor);
      this.#ring(actor);
    });
    if (fault?.kind === "alarm_twice") schedule.after(wait + fault.ms, () => this.#ring(actor));
    this.#armed.set(actor, { at, happening });
  }

  #ring(actor: Actor): void {
    if (actor.storage.isEmpty) return;
    this.#platform.trace(() => `alarm of ${actor.name}`);
    actor.alarm();
  }
}
