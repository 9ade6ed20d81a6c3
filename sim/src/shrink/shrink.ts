import type { Scenario } from "../scenario/scenario.ts";
import { runWorld } from "../run/one.ts";
import { smaller } from "./smaller.ts";

/** Tries to make one small scenario out of a large one are bounded: a person waits. */
const TRIES_MAX = 2_000;

/** What broke, without the figures that change from run to run. */
const kindOf = (failure: string | undefined): string | undefined => failure?.replace(/[0-9]+/g, "#").slice(0, 40);

/** The smallest scenario found that breaks in the same way. Inside of `onPlatform`. */
export function shrink(scenario: Scenario): Scenario {
  const kind = kindOf(runWorld(scenario).failure);
  let best = scenario;
  let tries = 0;
  for (let found = true; found && tries < TRIES_MAX;) {
    found = false;
    for (const candidate of smaller(best)) {
      if (++tries > TRIES_MAX) break;
      if (kindOf(runWorld(candidate).failure) !== kind) continue;
      best = candidate;
      found = true;
      break;
    }
  }
  return best;
}
