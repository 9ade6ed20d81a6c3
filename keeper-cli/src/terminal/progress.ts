import { stripVTControlCharacters } from "node:util";
import type { JobEvent } from "@rbee/sdk";
import { bytes, duration } from "./words.ts";

type Progress = Extract<JobEvent, { type: "progress" }>;

const BAR_CELLS = 24;
const BAR_CELLS_MIN = 8;

/** Progress in words: `45 % · 1.2 of 2.6 GiB · 12 MiB/s · 40 s left`. What nobody knows is left out. */
export function progressWords({ done, total, unit, eta_ms, per_second }: Progress): string {
  const count = (value: number): string => (unit === "bytes" ? bytes(value) : `${Math.floor(value)} ${unit}`);
  const share = shareOf({ done, total, unit });
  const words = [
    share === undefined ? count(done) : `${Math.floor(100 * share)} %`,
    ...(total === undefined || unit === "percent" ? [] : [`${count(done)} of ${count(total)}`]),
    ...(per_second === undefined || per_second === 0 || unit === "percent" ? [] : [`${count(per_second)}/s`]),
    ...(eta_ms === undefined ? [] : [`${duration(eta_ms)} left`]),
  ];
  return words.join(" · ");
}

/** From 0 to 1, where a total is known. */
function shareOf({ done, total, unit }: Pick<Progress, "done" | "total" | "unit">): number | undefined {
  const whole = unit === "percent" ? 100 : total;
  return whole === undefined ? undefined : Math.min(1, done / Math.max(whole, 1));
}

/** One line that fits: what is done, a bar, and the numbers. The words give way first, then the bar. */
export function progressLine(label: string, progress: Progress, columns: number): string {
  const numbers = progressWords(progress);
  const share = shareOf(progress);
  const room = columns - numbers.length - 2;
  const cells = share === undefined ? 0 : Math.min(BAR_CELLS, room - 1);
  const bar = share === undefined || cells < BAR_CELLS_MIN ? "" : `${barOf(share, cells)} `;
  const words = fitted(label, room - bar.length);
  return `${words === "" ? "" : `${words} `}${bar}${numbers}`;
}

const barOf = (share: number, cells: number): string => {
  const full = Math.floor(share * cells);
  return "━".repeat(full) + "╌".repeat(cells - full);
};

/** At most so wide; what is cut says so. Nothing at all where only a stub would be left. */
export function fitted(text: string, width: number): string {
  const plain = stripVTControlCharacters(text);
  if (plain.length <= width) return plain;
  return width < BAR_CELLS_MIN ? "" : `${plain.slice(0, width - 1)}…`;
}
