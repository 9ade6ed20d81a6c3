import { parseArgs } from "node:util";
import { runMutants } from "./mutants/run.ts";
import { runSeeds } from "./run/seeds.ts";
import { traceSeed } from "./run/trace-seed.ts";

const USAGE = `usage: npm run sim -- [what] [options]

  --seeds N [--from S]       run N seeds (200000) from S (1) on; exit code 1: some failed
  --seed S [--trace]         run one seed; print what happened, if it failed or with --trace
  --mutants [--only ID]...   break the protocol in each known way (or these) until a seed finds it
    --seeds N                a mutant that lives through so many (6000) has survived

  --workers N                threads (1)
  --help                     print this
`;

/** @returns never: what was asked for cannot be done as it stands */
function refuse(why: string): never {
  process.stderr.write(`${why}\n\n${USAGE}`);
  process.exit(2);
}

function parsed() {
  try {
    return parseArgs({
      options: {
        seeds: { type: "string" },
        from: { type: "string", default: "1" },
        seed: { type: "string" },
        trace: { type: "boolean", default: false },
        mutants: { type: "boolean", default: false },
        only: { type: "string", multiple: true },
        workers: { type: "string", default: "1" },
        help: { type: "boolean", default: false },
      },
    });
  } catch (error) {
    return refuse((error as Error).message);
  }
}

const { values } = parsed();
if (values.help) {
  process.stdout.write(USAGE);
  process.exit();
}

const whole = (name: string, text: string): number => {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value > 0) return value;
  return refuse(`--${name}: a whole number above 0, not ${JSON.stringify(text)}`);
};

const seeds = (otherwise: number): number => whole("seeds", values.seeds ?? String(otherwise));
const workers = whole("workers", values.workers);
if (values.mutants) process.exitCode = await runMutants({ only: values.only, seeds: seeds(6_000), workers });
else if (values.seed !== undefined) process.exitCode = await traceSeed(whole("seed", values.seed), values.trace);
else {
  const [from, count] = [whole("from", values.from), seeds(200_000)];
  process.exitCode = await runSeeds({ from, count, workers });
}
