import { readFileSync } from "node:fs";
import { Runner } from "../run/pool.ts";
import { progress } from "../run/progress.ts";
import { changesOf, mutants, type Mutant } from "./mutants.ts";
import { mutate } from "./register.ts";

/** Most mutants are found by the first seeds: a small bite first. */
const FIRST_CHUNK = 100;
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
  const unknown = only?.find((id) => mutants.every((mutant) => mutant.id !== id));
  if (unknown !== undefined) {
    process.stderr.write(`there is no mutant ${unknown}\n`);
    return 2;
  }
  const chosen = mutants.filter(({ id }) => only === undefined || only.includes(id));
  for (const change of chosen.flatMap(changesOf))
    mutate(readFileSync(new URL(`../../../${change.file}`, import.meta.url), "utf8"), change);
  const bar = progress(chosen.length);
  const queue = [...chosen];
  const fates: Fate[] = [];
  const work = async (): Promise<void> => {
    const sound = new Runner();
    for (let mutant = queue.shift(); mutant !== undefined; mutant = queue.shift()) {
      const fate = await fateOf(mutant, seeds, sound);
      fates.push(fate);
      bar.end();
      tell(fate);
      bar.show(fates.length, mutant.id);
    }
    await sound.stop();
  };
  await Promise.all(Array.from({ length: workers }, work));
  bar.end();
  return judge(fates);
}

/** @param sound runs the code as it is */
async function fateOf(mutant: Mutant, seeds: number, sound: Runner): Promise<Fate> {
  const runner = new Runner(mutant.id);
  try {
    for (let from = 1, count = FIRST_CHUNK; from <= seeds; from += count, count = CHUNK) {
      const [first] = (await runner.run({ from, count: Math.min(count, seeds + 1 - from) })).failures;
      if (first === undefined) continue;
      await mustHold(first.seed, sound);
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
async function mustHold(seed: number, sound: Runner): Promise<void> {
  const { failures } = await sound.run({ from: seed, count: 1 });
  if (failures[0] !== undefined) throw new Error(`seed ${seed} fails without a mutant: ${failures[0].failure}`);
}

function tell({ mutant, seed, failure }: Fate): void {
  const found = seed === undefined ? "survived" : `seed ${seed}`;
  print(`${mutant.rule.padEnd(9)} ${mutant.id.padEnd(30)} ${found.padEnd(12)} ${mutant.breaks}`);
  const why =
    seed === undefined ? `because ${mutant.survives ?? "nobody knows why: look into it"}` : firstLine(failure);
  print(`${"".padEnd(54)}${why}`);
}

const firstLine = (failure = ""): string => (failure.split("\n")[0] ?? "").slice(0, 140);

function judge(fates: readonly Fate[]): number {
  const killed = fates.filter(({ seed }) => seed !== undefined).length;
  const score = killed / Math.max(1, fates.length);
  for (const { mutant, seed } of fates) if (seed === undefined) print(`survived: ${mutant.id}`);
  print(`mutants ${fates.length} killed ${killed} score ${Math.floor(100 * score)} %`);
  return score >= SCORE_MIN ? 0 : 1;
}

const print = (line: string): void => void process.stdout.write(`${line}\n`);
