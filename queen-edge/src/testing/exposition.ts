/** Reads Prometheus' text format as strictly as its own tools do: throws at anything they would complain of. */

interface ParsedSample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Parsed {
  readonly samples: readonly ParsedSample[];
  readonly typeOf: (sample: string) => string | undefined;
  /** @throws when there is no such sample, or more than one */
  readonly valueOf: (name: string, labels?: Readonly<Record<string, string>>) => number;
}

const NAME = "[a-zA-Z_:][a-zA-Z0-9_:]*";
const LABEL = String.raw`([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"`;

export function parseExposition(text: string): Parsed {
  if (text !== "" && !text.endsWith("\n")) throw new Error("the last line does not end");
  const types = new Map<string, string>();
  const helps = new Set<string>();
  const samples: ParsedSample[] = [];
  let current = "";
  for (const line of text.split("\n").slice(0, -1)) {
    const comment = new RegExp(`^# (HELP|TYPE) (${NAME}) (.+)$`).exec(line);
    if (comment === null) {
      const sample = sampleOf(line);
      if (familyOf(sample.name, types) !== current) throw new Error(`${line}: not under its own TYPE`);
      samples.push(sample);
      continue;
    }
    const [, what, name = "", rest = ""] = comment;
    if (what === "HELP") {
      if (helps.has(name)) throw new Error(`${name}: a second HELP`);
      helps.add(name);
    } else {
      if (types.has(name)) throw new Error(`${name}: a second TYPE`);
      if (!/^(counter|gauge|histogram)$/.test(rest)) throw new Error(`${name}: no type ${rest}`);
      if (rest === "counter" && !name.endsWith("_total")) throw new Error(`${name}: a counter ends in _total`);
      types.set(name, rest);
      current = name;
    }
  }
  for (const name of types.keys()) if (!helps.has(name)) throw new Error(`${name}: no HELP`);
  noneTwice(samples);
  for (const [name, type] of types) if (type === "histogram") wholeHistogram(name, samples);
  return {
    samples,
    typeOf: (sample) => types.get(familyOf(sample, types)),
    valueOf(name, labels = {}) {
      const found = samples.filter((sample) => sample.name === name && keyOf(sample) === keyOf({ ...sample, labels }));
      if (found.length !== 1) throw new Error(`${name}: ${found.length} samples`);
      return found[0]?.value ?? Number.NaN;
    },
  };
}

function sampleOf(line: string): ParsedSample {
  const [, name = "", , inner, number = ""] =
    new RegExp(`^(${NAME})(\\{((?:${LABEL},?)*)\\})? ([^ ]+)$`).exec(line)?.toSpliced(4, 2) ?? [];
  if (name === "") throw new Error(`${line}: not a sample`);
  if (!/^([+-]?(\d+(\.\d+)?([eE][+-]?\d+)?|Inf)|NaN)$/.test(number)) throw new Error(`${line}: not a number`);
  const labels: Record<string, string> = {};
  for (const [, label = "", value = ""] of (inner ?? "").matchAll(new RegExp(LABEL, "g"))) {
    if (Object.hasOwn(labels, label)) throw new Error(`${line}: ${label} twice`);
    labels[label] = value.replaceAll(/\\(["\\n])/g, (_, escaped: string) => (escaped === "n" ? "\n" : escaped));
  }
  return { name, labels, value: Number(number.replace("Inf", "Infinity")) };
}

function familyOf(sample: string, types: ReadonlyMap<string, string>): string {
  const base = sample.replace(/_(bucket|sum|count)$/, "");
  return types.get(base) === "histogram" ? base : sample;
}

const keyOf = ({ name, labels }: ParsedSample): string =>
  JSON.stringify([name, Object.entries(labels).sort(([one], [other]) => (one < other ? -1 : 1))]);

function noneTwice(samples: readonly ParsedSample[]): void {
  const keys = samples.map(keyOf);
  if (new Set(keys).size !== keys.length) throw new Error("a series is there twice");
}

/** Cumulative, up to +Inf, which is the count. */
function wholeHistogram(name: string, samples: readonly ParsedSample[]): void {
  const buckets = samples.filter((sample) => sample.name === `${name}_bucket`);
  const bounds = buckets.map(({ labels }) => Number(labels["le"]?.replace("Inf", "Infinity")));
  for (const [i, { value }] of buckets.entries()) {
    const before = buckets[i - 1];
    if (before !== undefined && (value < before.value || !((bounds[i] ?? 0) > (bounds[i - 1] ?? 0))))
      throw new Error(`${name}: buckets are out of order`);
  }
  const count = samples.find((sample) => sample.name === `${name}_count`)?.value;
  if (bounds.at(-1) !== Infinity || buckets.at(-1)?.value !== count) throw new Error(`${name}: no whole histogram`);
  if (!samples.some((sample) => sample.name === `${name}_sum`)) throw new Error(`${name}: no sum`);
}
