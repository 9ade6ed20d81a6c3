import { stripVTControlCharacters } from "node:util";
import type { JobEvent } from "@rbee/sdk";
import { bytes, duration } from "./words.ts";

type Progress = Extract<JobEvent, { type: "progress" }>;

const BAR_CELLS = 24;
const BAR_CELLS_MIN = 8;
/** Of a name so much stays in sight. */
const LABEL_MIN = 28;

/** Progress in words: `45 % · 1.2 of 2.6 GiB · 12 MiB/s · 40 s left`. What nobody knows is left out. */
export const progressWords = (progress: Progress): string => partsOf(progress).join(" · ");

function partsOf({ done, total, unit, eta_ms, per_second }: Progress): string[] {
  const count = (value: number): string => (unit === "bytes" ? bytes(value) : `${Math.floor(value)} ${unit}`);
  const share = shareOf({ done, total, unit });
  return [
    share === undefined ? count(done) : `${Math.floor(100 * share)} %`,
    ...(total === undefined || unit === "percent" ? [] : [`${count(done)} of ${count(total)}`]),
    ...(per_second === undefined || per_second === 0 || unit === "percent" ? [] : [`${count(per_second)}/s`]),
    ...(eta_ms === undefined ? [] : [`${duration(eta_ms)} left`]),
  ];
}

/** From 0 to 1, where a total is known. */
function shareOf({ done, total, unit }: Pick<Progress, "done" | "total" | "unit">): number | undefined {
  const whole = unit === "percent" ? 100 : total;
  return whole === undefined ? undefined : Math.min(1, done / Math.max(whole, 1));
}

/**
 * One line that fits: what is done, a bar, and the numbers. The bar gives way first, down to its least, then the end of the
 * words, then the numbers from the middle: how much is done and how long it takes are what people look for.
 */
export function progressLine(label: string, progress: Progress, columns: number): string {
  const share = shareOf(progress);
  const least = share === undefined ? 0 : BAR_CELLS_MIN + 1;
  const parts = partsOf(progress);
  const room = (): number => columns - parts.join(" · ").length - 1;
  while (parts.length > 2 && room() - least < Math.min(label.length, LABEL_MIN)) parts.splice(-2, 1);
  const bar =
    share === undefined || room() < least + BAR_CELLS_MIN
      ? 0
      : Math.max(BAR_CELLS_MIN, Math.min(BAR_CELLS, room() - label.length - 1));
  const words = fitted(label, room() - (bar === 0 ? 0 : bar + 1));
  return [words, share === undefined || bar === 0 ? "" : barOf(share, bar), parts.join(" · ")]
    .filter((part) => part !== "")
    .join(" ");
}

export const barOf = (share: number, cells: number): string => {
  const full = Math.floor(share * cells);
  return "━".repeat(full) + "╌".repeat(cells - full);
};

/** At most so wide; what is cut says so. Nothing at all where only a stub would be left. */
export function fitted(text: string, width: number): string {
  const plain = stripVTControlCharacters(text);
  if (plain.length <= width) return plain;
  return width < BAR_CELLS_MIN ? "" : `${plain.slice(0, width - 1)}…`;
}
