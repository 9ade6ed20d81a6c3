import { narrate, type Check, type Device } from "@rbee/contracts";
import type { HiveHandlers } from "../jobs/handler.ts";
import type { SelfCheck } from "../self/checks.ts";

/** What a hive knows how to find out about itself. */
export interface Self {
  /** Looks at the devices again, and has told the queen when it resolves. */
  lookAgain(): Promise<Device[]>;
  readonly checks: readonly SelfCheck[];
}

/** A detail is a line for a person, not a log. */
const DETAIL_CHARS_MAX = 1_000;

export const selfHandlers = (self: Self): Pick<HiveHandlers, "hive_refresh_capabilities" | "hive_check"> => ({
  async *hive_refresh_capabilities() {
    yield narrate("hive", "devices", "Looking at the devices again");
    const devices = await self.lookAgain();
    for (const { id, name } of devices) yield narrate("hive", "device", `${id}: ${name}`);
    return { success: true, device_count: devices.length, devices };
  },

  async *hive_check(_input, { signal }) {
    yield narrate("hive", "check", `Looking at ${self.checks.map(({ name }) => name).join(", ")}`);
    const checks: Check[] = [];
    for (const { name, look } of self.checks) {
      const found = await look(signal).then(
        (detail) => ({ ok: true, detail }),
        (error: unknown) => ({ ok: false, detail: error instanceof Error ? error.message : String(error) }),
      );
      signal.throwIfAborted();
      const check = { name, ok: found.ok, detail: found.detail.slice(0, DETAIL_CHARS_MAX) };
      checks.push(check);
      yield { ...narrate("hive", "check", `${name}: ${check.detail}`), level: check.ok ? "info" : "warn" };
    }
    return { checks };
  },
});
