import { readFileSync } from "node:fs";
import { Runner } from "../run/pool.ts";
import { progress } from "../run/progress.ts";
import { mutants, type Mutant } from "./mutants.ts";
import { mutate } from "./register.ts";

const CHUNK = 500;
/** Share of mutants that the simulator must find. */
const SCORE_MIN = 0.9;

interface Fate {
  readonly mutant: Mutant;
  /** The seed that found it. */
  readonly seed?: number;
  readonly failure?: string;
}

interface Options {
  readonly only: string[] | undefined;
  /** A mutant that lives through so many has survived. */
  readonly seeds: number;
  readonly workers: number;
}

/** Runs every mutant until a seed fails; prints a table and the score. @returns exit code */
export async function runMutants(options: Options): Promise<number> {
  const { only, seeds, workers } = options;
  const chosen = mutants.filter(({ id }) => only === undefined || only.includes(id));
  for (const mutant of chosen)
    mutate(mutant, readFileSync(new URL(`../../../${mutant.file}`, import.meta.url), "utf8"));
  const bar = progress(chosen.length);
  const queue = [...chosen];
  const fates: Fate[] = [];
  const work = async (): Promise<void> => {
    for (let mutant = queue.shift(); mutant !== undefined; mutant = queue.shift()) {
      const fate = await fateOf(mutant, seeds);
      fates.push(fate);
      bar.end();
      tell(fate);
      bar.show(fates.length, mutant.id);
    }
  };
  await Promise.all(Array.from({ length: workers }, work));
  bar.end();
  return judge(fates);
}

async function fateOf(mutant: Mutant, seeds: number): Promise<Fate> {
  const runner = new Runner(mutant.id);
  try {
    for (let from = 1; from <= seeds; from += CHUNK) {
      const [first] = (await runner.run({ from, count: CHUNK })).failures;
      if (first === undefined) continue;
      await mustHold(first.seed);
      return { mutant, ...first };
    }
    return { mutant };
  } catch (error) {
    // A loop without end is found by that; a source that cannot even be loaded is no mutant.
    if (String(error).includes("hangs")) return { mutant, seed: 0, failure: String(error) };
    throw error;
  } finally {
    await runner.stop();
  }
}

/** @throws when the seed fails without the mutant too: it proves nothing then */
async function mustHold(seed: number): Promise<void> {
  const runner = new Runner();
  const { failures } = await runner.run({ from: seed, count: 1 });
  await runner.stop();
  if (failures[0] !== undefined) throw new Error(`seed ${seed} fails without a mutant: ${failures[0].failure}`);
}

function tell({ mutant, seed, failure }: Fate): void {
  const found = seed === undefined ? "survived" : `seed ${seed}`;
  print(`${mutant.id.padEnd(30)} ${found.padEnd(12)} ${mutant.breaks}`);
  const why =
    seed === undefined ? `because ${mutant.survives ?? "nobody knows why: look into it"}` : firstLine(failure);
  print(`${"".padEnd(44)}${why}`);
}

const firstLine = (failure = ""): string => (failure.split("\n")[0] ?? "").slice(0, 140);

function judge(fates: readonly Fate[]): number {
  const killed = fates.filter(({ seed }) => seed !== undefined).length;
  const survivors = fates.filter(({ seed }) => seed === undefined);
  // Whose place is backed by another breaks nothing alone: it is told, and not counted.
  const backed = survivors.filter(({ mutant }) => mutant.survives !== undefined).length;
  const score = killed / Math.max(1, fates.length - backed);
  if (backed > 0) print(`${backed} survived because something else holds what they break`);
  print(`mutants ${fates.length - backed} killed ${killed} score ${(100 * score).toFixed(0)} %`);
  return score >= SCORE_MIN ? 0 : 1;
}

const print = (line: string): void => void process.stdout.write(`${line}\n`);
