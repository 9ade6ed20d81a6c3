import type { Reporter, TestModule } from "vitest/node";

/** Last line of a run, in a form that any CI understands. */
export default class CountReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]): void {
    const states = modules.flatMap((module) => [...module.children.allTests()].map((test) => test.result().state));
    const count = (state: string) => states.filter((found) => found === state).length;
    // A file that does not even load, or an error outside of any test, is a failure too.
    const broken = modules.filter((module) => module.errors().length > 0).length + errors.length;
    if (count("skipped") > 0) process.stdout.write(`${count("skipped")} skipped\n`);
    process.stdout.write(`${count("passed")} passed, ${count("failed") + broken} failed\n`);
  }
}
