import { progress } from "./progress.ts";
import { Runner } from "./pool.ts";
import type { Job, Report } from "./messages.ts";
import { explainSeed } from "./trace-seed.ts";

const CHUNK = 500;
/** Failures that are shrunk and printed; more of them rarely tell more. */
const EXPLAINED_MAX = 3;
/** Failures that are named; more of them are only counted. */
const TOLD_MAX = 20;

/** Runs seeds `from`, `from` + 1, …; prints each failure made small, and how many there were last. @returns exit code */
export async function runSeeds({ from, count, workers }: Job & { workers: number }): Promise<number> {
  const started = performance.now();
  const cpu = process.cpuUsage();
  const bar = progress(count);
  const failures: Report["failures"][number][] = [];
  const [end, next] = [from + count, { from }];
  let [done, steps] = [0, 0];
  // At once: who lets millions of seeds run does not wait for the last.
  const tell = (found: (typeof failures)[number]): void => {
    if (failures.push(found) <= TOLD_MAX) print(`seed ${found.seed}: ${found.failure.slice(0, 200)}`);
  };
  const work = async (): Promise<void> => {
    const runner = new Runner();
    while (next.from < end) {
      const job = { from: next.from, count: Math.min(CHUNK, end - next.from) };
      next.from += job.count;
      const report = await runner.run(job);
      for (const found of report.failures) tell(found);
      done += job.count;
      steps += report.steps;
      bar.show(done, `${failures.length} failures`);
    }
    await runner.stop();
  };
  await Promise.all(Array.from({ length: workers }, work));
  bar.end();
  failures.sort((a, b) => a.seed - b.seed);
  for (const { seed } of failures.slice(0, EXPLAINED_MAX)) await explainSeed(seed);
  const { user, system } = process.cpuUsage(cpu);
  const each = `${((user + system) / count).toFixed(0)} µs of processor and ${(steps / count).toFixed(0)} events each`;
  const s = (performance.now() - started) / 1_000;
  print(`${s.toFixed(1)} s on ${workers} thread${workers === 1 ? "" : "s"}, ${each}`);
  print(`seeds ${count} failures ${failures.length}`);
  return failures.length > 0 ? 1 : 0;
}

const print = (line: string): void => void process.stdout.write(`${line}\n`);
