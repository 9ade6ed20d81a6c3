export interface Percentiles {
  readonly p50: number;
  readonly p99: number;
}

/** @param part 0 to 1 */
export function quantile(values: readonly number[], part: number): number {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.floor(part * (sorted.length - 1))] ?? Number.NaN;
}

export const median = (values: readonly number[]): number => quantile(values, 0.5);

export const percentiles = (values: readonly number[]): Percentiles => ({
  p50: round(quantile(values, 0.5)),
  p99: round(quantile(values, 0.99)),
});

/** Two decimals: more would be noise. */
export const round = (value: number): number => Math.round(value * 100) / 100;
