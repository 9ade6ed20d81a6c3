import { parseArgs } from "node:util";
import { runMutants } from "./mutants/run.ts";
import { runSeeds } from "./run/seeds.ts";
import { traceSeed } from "./run/trace-seed.ts";

/** `npm run sim -- --seeds N [--from S] | --seed S [--trace] | --mutants [--only ID] [--seeds N] [--workers N]`. Exit code 1: something was found. */
const { values } = parseArgs({
  options: {
    seeds: { type: "string" },
    from: { type: "string", default: "1" },
    seed: { type: "string" },
    trace: { type: "boolean", default: false },
    mutants: { type: "boolean", default: false },
    only: { type: "string", multiple: true },
    workers: { type: "string", default: "1" },
  },
});

const whole = (name: string, text: string): number => {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value > 0) return value;
  process.stderr.write(`--${name}: a whole number above 0, not ${JSON.stringify(text)}\n`);
  process.exit(2);
};

const seeds = (otherwise: number): number => whole("seeds", values.seeds ?? String(otherwise));
const workers = whole("workers", values.workers);
if (values.mutants) process.exitCode = await runMutants({ only: values.only, seeds: seeds(6_000), workers });
else if (values.seed !== undefined) process.exitCode = await traceSeed(whole("seed", values.seed), values.trace);
else {
  const [from, count] = [whole("from", values.from), seeds(200_000)];
  process.exitCode = await runSeeds({ from, count, workers });
}
