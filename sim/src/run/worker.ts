import { enableCompileCache } from "node:module";
import { parentPort, workerData } from "node:worker_threads";
import { registerPlatform } from "../platform/register.ts";
import { registerMutant } from "../mutants/register.ts";
import type { Job, Report, WorkerStart } from "./messages.ts";

/** A thread that runs seeds, on the code as it is or with one mutation. */
const { mutant } = workerData as WorkerStart;
enableCompileCache();
registerPlatform();
if (mutant !== undefined) registerMutant(mutant);
const { generate } = await import("../scenario/generate.ts");
const { runWorld, withWorlds } = await import("./one.ts");

// Traces of errors cost more than the errors; a failing seed is run again with them.
Error.stackTraceLimit = 0;

parentPort?.on("message", ({ from, count }: Job) => {
  void withWorlds(() => {
    const report: Report = { from, count, steps: 0, failures: [] };
    for (let seed = from; seed < from + count; seed++) {
      const { failure, steps } = runWorld(generate(seed));
      report.steps += steps;
      if (failure !== undefined) report.failures.push({ seed, failure });
      if (failure !== undefined && mutant !== undefined) break;
    }
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
    parentPort?.postMessage(report);
  });
});
