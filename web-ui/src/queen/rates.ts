import type { FleetTotals } from "@rbee/sdk";

/** The queen's totals at one moment, in seconds since the epoch. */
export interface Look extends FleetTotals {
  readonly at: number;
}

/** How fast the fleet was at one moment. */
export interface Figure {
  readonly at: number;
  /** Tokens of the answers that ended lately, by second. */
  readonly tokens_per_s: number;
  /** Of the answers that ended since the look before; none when there were none. */
  readonly ttft_s: number | null;
}

/** Answers end one by one: over less than this the line would show when, not how many. */
const rate_s = 10;

/** Differences of totals: what a queen counted between two looks. */
export function figuresOf(all: readonly Look[]): Figure[] {
  let oldest = 0;
  return all.slice(1).map((look, i) => {
    const before = all[i] ?? look;
    while (oldest < i && look.at - (all[oldest + 1]?.at ?? 0) >= rate_s) oldest++;
    const since = all[oldest] ?? before;
    const answers = look.first_tokens - before.first_tokens;
    return {
      at: look.at,
      tokens_per_s: Math.max(0, (look.completion_tokens - since.completion_tokens) / (look.at - since.at)),
      ttft_s: answers > 0 ? (look.ttft_s - before.ttft_s) / answers : null,
    };
  });
}
