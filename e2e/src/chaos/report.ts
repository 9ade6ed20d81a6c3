import { quantile } from "../../../bench/src/stats.ts";
import type { Outcome } from "./soak.ts";

/** The outcome in figures. Times in milliseconds. */
export interface Summary {
  readonly seed: number;
  readonly seconds: number;
  readonly jobs: Readonly<Record<string, number>>;
  readonly events: number;
  readonly readers: number;
  readonly faults: Readonly<Record<string, number>>;
  readonly kills: number;
  readonly text_mismatches: number;
  /** Per killed process: streams that lived through it, and what they felt. */
  readonly gaps: Readonly<Record<string, { streams: number; back_p50: number; back_p99: number; silence_p99: number }>>;
  /** Lines that died without a word, and until their agent knew. */
  readonly half_open: { readonly lines: number; readonly found_p50: number; readonly found_max: number };
  readonly violations: readonly string[];
}

export function summarize({ records, gaps, half_open_ms, ...outcome }: Outcome): Summary {
  const jobs: Record<string, number> = {};
  for (const { state, error_code } of records) {
    const key = error_code === undefined ? state : `${state}: ${error_code}`;
    jobs[key] = (jobs[key] ?? 0) + 1;
  }
  const byProcess = Object.groupBy(gaps, ({ what }) => what);
  const felt = Object.entries(byProcess).map(([what, all = []]) => {
    const back = all.map(({ after_back_ms }) => after_back_ms);
    const silence = all.map(({ silence_ms }) => silence_ms);
    const [back_p50, back_p99, silence_p99] = [quantile(back, 0.5), quantile(back, 0.99), quantile(silence, 0.99)];
    const streams = all.length;
    return [
      what,
      { streams, back_p50: Math.round(back_p50), back_p99: Math.round(back_p99), silence_p99: Math.round(silence_p99) },
    ] as const;
  });
  return {
    seed: outcome.seed,
    seconds: Math.round(outcome.seconds),
    jobs,
    events: records.reduce((sum, { log }) => sum + log.length, 0),
    readers: records.reduce((sum, { readers }) => sum + readers.length, 0),
    faults: outcome.faults,
    kills: outcome.kills,
    text_mismatches: outcome.violations.filter((what) => what.includes("the text is not")).length,
    gaps: Object.fromEntries(felt),
    half_open: {
      lines: half_open_ms.length,
      found_p50: Math.round(quantile(half_open_ms, 0.5)),
      found_max: Math.round(Math.max(0, ...half_open_ms)),
    },
    violations: outcome.violations,
  };
}

const VIOLATIONS_SHOWN = 40;

export function inWords(summary: Summary): string {
  const counts = (of: Readonly<Record<string, number>>) =>
    Object.entries(of)
      .filter(([, count]) => count > 0)
      .map(([name, count]) => `${name} ${count}`)
      .join(", ");
  const { half_open, violations } = summary;
  return [
    `seed ${summary.seed}, ${summary.seconds} s`,
    `jobs        ${counts(summary.jobs)}`,
    `read        ${summary.events} events in the logs, ${summary.readers} readers`,
    `faults      ${counts(summary.faults)}`,
    `kill -9     ${summary.kills}`,
    ...Object.entries(summary.gaps).map(
      ([what, { streams, back_p50, back_p99, silence_p99 }]) =>
        `gap         ${what}: ${streams} streams, from "it is back" to the next token p50 ${back_p50} ms, p99 ${back_p99} ms; silence p99 ${silence_p99} ms`,
    ),
    ...(half_open.lines === 0
      ? []
      : [
          `half-open   ${half_open.lines} lines, found after p50 ${half_open.found_p50} ms, at most ${half_open.found_max} ms`,
        ]),
    `mismatches  ${summary.text_mismatches}`,
    `violations  ${violations.length}`,
    ...violations.slice(0, VIOLATIONS_SHOWN).map((what) => `  ${what}`),
  ].join("\n");
}
