import { limits } from "@rbee/contracts";
import type { Registry } from "../queen/registry.ts";

/** The registry's one alarm: only while a job is open, or for the end of a key. An idle colony costs nothing. */
export class RegistryAlarm {
  readonly #storage: DurableObjectStorage;
  readonly #registry: Registry;
  /** When the next audit is due; unknown after a wake, then with the next alarm. */
  #auditAt: number | undefined;

  constructor(storage: DurableObjectStorage, registry: Registry) {
    this.#storage = storage;
    this.#registry = registry;
  }

  /** It rings. One for the end of somebody's wait, or of a key, does not ask every job. @returns whether the audit is due */
  rings(now: number): boolean {
    const audit = now >= (this.#auditAt ?? 0);
    if (audit) this.#auditAt = undefined;
    return audit;
  }

  /** It rings in time for what is due next. */
  async arm(): Promise<void> {
    const due = this.#due(Date.now());
    if (due === Infinity) return;
    const armed = await this.#storage.getAlarm();
    // One that is further off was set before the clock went back, or before somebody came who waits less long.
    if (armed === null || armed > due) await this.#storage.setAlarm(due);
  }

  /** What it was armed for is done: it rings no sooner than for what is due next. */
  async defer(): Promise<void> {
    const due = this.#due(Date.now());
    await (due === Infinity ? this.#storage.deleteAlarm() : this.#storage.setAlarm(due));
  }

  #due(now: number): number {
    const { openCount, line, keys } = this.#registry;
    const { cutOffAt = Infinity } = keys;
    const audit = openCount === 0 ? Infinity : Math.min(this.#auditAt ?? Infinity, now + limits.audit_ms);
    if (openCount > 0) this.#auditAt = audit;
    // What is overdue is being done, or is tried once more.
    const cutOff = cutOffAt > now ? cutOffAt : now + limits.key_cut_off_ms;
    return Math.min(audit, line.deadlineAfter(now) ?? Infinity, cutOff);
  }
}
