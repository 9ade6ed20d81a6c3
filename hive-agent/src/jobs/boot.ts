import { readFileSync } from "node:fs";
import { uptime } from "node:os";

/** Changes whenever the machine itself restarts, never when only the agent does. */
export function bootId(): string {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  } catch {
    // No Linux: the minute of the start. A corrected clock may move it, which only gives jobs back that could have gone on.
    const MINUTE_MS = 60_000;
    return `${Math.round((Date.now() - uptime() * 1_000) / MINUTE_MS)}`;
  }
}
