import { agentMutants } from "./agent.ts";
import { booksMutants } from "./books.ts";
import { linkMutants } from "./link.ts";
import { logMutants } from "./log.ts";
import { queenMutants } from "./queen.ts";
import { readersMutants } from "./readers.ts";

/** A place in a source and what stands there instead. */
export interface Change {
  /** From the root of the repository. */
  readonly file: string;
  /** Found exactly once in the file. */
  readonly original: string;
  readonly mutated: string;
}

/** One way to break the protocol. */
export interface Mutant extends Change {
  readonly id: string;
  /** What the protocol promises there. */
  readonly rule: string;
  /** What is broken by it. */
  readonly breaks: string;
  /** The second line of defence, which goes with the first. */
  readonly also?: readonly Change[];
  /** Why the simulator cannot see it, if it cannot. It counts as a survivor nevertheless. */
  readonly survives?: string;
}

export const changesOf = ({ file, original, mutated, also = [] }: Mutant): readonly Change[] => [
  { file, original, mutated },
  ...also,
];

export const mutants: readonly Mutant[] = [
  ...logMutants,
  ...queenMutants,
  ...booksMutants,
  ...readersMutants,
  ...agentMutants,
  ...linkMutants,
];
