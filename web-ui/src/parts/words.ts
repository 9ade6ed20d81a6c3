/** Figures in words a person reads at a glance. */

export { bytesInWords as bytes } from "@rbee/sdk/react/parts";

export function duration(ms: number): string {
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  if (ms < 9_950) return `${(ms / 1_000).toFixed(1)} s`;
  const s = Math.round(ms / 1_000);
  if (s < 60) return `${s} s`;
  if (s < 3_600) return `${Math.floor(s / 60)} min ${s % 60} s`;
  return s < 172_800 ? `${Math.floor(s / 3_600)} h ${Math.floor((s % 3_600) / 60)} min` : `${Math.floor(s / 86_400)} d`;
}

/** So many of something in a second. */
export const perSecond = (rate: number): string => rate.toFixed(rate > 0 && rate < 10 ? 1 : 0);

export const hour_ms = 3_600_000;

export function ago(since: number, now: number): string {
  const s = Math.max(0, (now - since) / 1_000);
  if (s < 5) return "just now";
  if (s < 60) return `${Math.floor(s)} s ago`;
  if (s < 3_600) return `${Math.floor(s / 60)} min ago`;
  return s < 172_800 ? `${Math.floor(s / 3_600)} h ago` : `${Math.floor(s / 86_400)} days ago`;
}

/** 21 Nov 2026 */
export const day = (at: number): string => new Date(at).toLocaleDateString("en-GB", { dateStyle: "medium" });

/** 21 Nov 2026, 21:40:35 */
export const moment = (at: number): string =>
  new Date(at).toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "medium" });

const compact = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
const whole = new Intl.NumberFormat("en");

/** 12 300 → 12.3K */
export const short = (count: number): string => compact.format(count);
export const exact = (count: number): string => whole.format(count);

export const plural = (count: number, one: string): string => `${exact(count)} ${one}${count === 1 ? "" : "s"}`;
