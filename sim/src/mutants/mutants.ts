import { agentMutants } from "./agent.ts";
import { booksMutants } from "./books.ts";
import { queenMutants } from "./queen.ts";

/** One way to break the protocol: a place in a source and what stands there instead. */
export interface Mutant {
  readonly id: string;
  /** What is broken by it. */
  readonly breaks: string;
  /** From the root of the repository. */
  readonly file: string;
  /** Found exactly once in the file. */
  readonly original: string;
  readonly mutated: string;
  /** Why the simulator cannot see it, if it cannot. */
  readonly survives?: string;
}

export const mutants: readonly Mutant[] = [...queenMutants, ...booksMutants, ...agentMutants];
