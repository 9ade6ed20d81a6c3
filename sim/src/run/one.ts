import { enterWorld, onPlatform } from "../platform/globals.ts";
import { inMacrotask } from "../platform/microtasks.ts";
import type { Scenario } from "../scenario/scenario.ts";
import { World, type Outcome } from "../world/world.ts";

let world: World | undefined;
const unhandled = (error: unknown): void => world?.fail(`unhandled: ${String(error)}`);

/** Runs one world to its end. Never throws: what breaks the simulator itself is a failure too. Inside of `onPlatform`. */
export function runWorld(scenario: Scenario, trace?: (line: string) => void): Outcome {
  try {
    world = new World(scenario, trace);
    return world.run();
  } catch (error) {
    const failure = `threw: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
    return { failure, steps: world?.schedule.steps ?? 0, ms: world?.schedule.now ?? 0 };
  } finally {
    world = undefined;
    enterWorld(undefined);
  }
}

/** Work with worlds in it, from anywhere. */
export const withWorlds = <T>(work: () => T): Promise<T> =>
  inMacrotask(() => {
    process.on("unhandledRejection", unhandled);
    try {
      return onPlatform(work);
    } finally {
      process.off("unhandledRejection", unhandled);
    }
  });
