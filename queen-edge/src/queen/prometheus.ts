/** Prometheus' text format, version 0.0.4. */

export interface Sample {
  /** Behind the family's name: `_bucket`, `_sum`, `_count` of a histogram. */
  readonly suffix?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Family {
  readonly name: string;
  readonly help: string;
  readonly type: "counter" | "gauge" | "histogram";
  readonly samples: readonly Sample[];
}

/** A body of `text/plain; version=0.0.4`. */
export const exposition = (families: readonly Family[]): string => families.map(textOf).join("");

function textOf({ name, help, type, samples }: Family): string {
  const lines = samples.map(
    ({ suffix = "", labels = {}, value }) => `${name}${suffix}${labelsOf(labels)} ${numberOf(value)}\n`,
  );
  return `# HELP ${name} ${help.replaceAll("\\", "\\\\").replaceAll("\n", "\\n")}\n# TYPE ${name} ${type}\n${lines.join("")}`;
}

function labelsOf(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

const escaped = (value: string): string =>
  value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");

function numberOf(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "+Inf" : "-Inf";
  return String(value);
}

/** A histogram's samples. @param buckets observations in each, the last one without a bound */
export function histogramSamples(
  { buckets, sum }: { readonly buckets: readonly number[]; readonly sum: number },
  bounds: readonly number[],
): Sample[] {
  let count = 0;
  const cumulative = buckets.map((observed, i) => {
    count += observed;
    return { suffix: "_bucket", labels: { le: numberOf(bounds[i] ?? Infinity) }, value: count };
  });
  return [...cumulative, { suffix: "_sum", value: sum }, { suffix: "_count", value: count }];
}
