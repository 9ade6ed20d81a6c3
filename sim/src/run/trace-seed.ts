import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import type { FormatConfig } from "oxfmt";
import { registerPlatform } from "../platform/register.ts";
import type { Scenario } from "../scenario/scenario.ts";

const FORMAT = new URL("../../../.oxfmtrc.json", import.meta.url);
const REGRESSIONS = new URL("../regressions/", import.meta.url);
/** Lines of a trace that a person reads. */
const LINES_MAX = 150;
const LINE_CHARS_MAX = 220;

async function load() {
  registerPlatform();
  const [{ generate }, { runWorld, withWorlds }, { shrink }] = await Promise.all([
    import("../scenario/generate.ts"),
    import("./one.ts"),
    import("../shrink/shrink.ts"),
  ]);
  return { generate, runWorld, withWorlds, shrink };
}

/** Runs one seed as it is and prints what happened. @returns exit code */
export async function traceSeed(seed: number, all: boolean): Promise<number> {
  const { generate, runWorld, withWorlds } = await load();
  const scenario = generate(seed);
  const lines: string[] = [];
  const { failure, ms } = await withWorlds(() => runWorld(scenario, (line) => lines.push(line)));
  if (all) print([JSON.stringify(scenario), ...lines]);
  else if (failure !== undefined) await explainSeed(seed);
  process.stdout.write(`seed ${seed}: ${failure ?? `held, ${(ms / 1_000).toFixed(1)} s of virtual time`}\n`);
  return failure === undefined ? 0 : 1;
}

/** Makes a failing seed small, prints it, and keeps it as a regression that the tests run from then on. */
export async function explainSeed(seed: number): Promise<void> {
  const { generate, runWorld, withWorlds, shrink } = await load();
  const lines: string[] = [];
  const { small, failure } = await withWorlds(() => {
    const small = shrink(generate(seed));
    return { small, failure: runWorld(small, (line) => lines.push(line)).failure };
  });
  process.stdout.write(`\nseed ${seed}: ${failure}\n`);
  for (const fault of small.faults) process.stdout.write(`  ${JSON.stringify(fault)}\n`);
  for (const job of small.jobs) process.stdout.write(`  ${JSON.stringify(job)}\n`);
  print(lines.slice(-LINES_MAX));
  const file = new URL(`${seed}.json`, REGRESSIONS);
  if (existsSync(file)) return;
  mkdirSync(REGRESSIONS, { recursive: true });
  writeFileSync(file, await regressionText(small));
}

/** As the project's check wants every file. */
export async function regressionText(scenario: Scenario): Promise<string> {
  const { format } = await import("oxfmt");
  const style = JSON.parse(readFileSync(FORMAT, "utf8")) as FormatConfig;
  return (await format("regression.json", JSON.stringify(scenario, undefined, 2), style)).code;
}

const print = (lines: readonly string[]): void =>
  void process.stdout.write(lines.map((line) => `${line.replaceAll("\n", " ").slice(0, LINE_CHARS_MAX)}\n`).join(""));
