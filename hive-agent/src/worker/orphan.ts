/** In milliseconds: how long ago the agent went, if it did, and how long ago anyone asked anything. */
export interface Solitude {
  readonly agentGoneMs: number | undefined;
  readonly idleMs: number;
}

/**
 * Whether a worker has waited long enough for a next agent. Only silence since the agent went counts: a worker that
 * nobody had asked anything for an hour still has to be there for the agent that comes back in a second.
 */
export const isOrphan = ({ agentGoneMs, idleMs }: Solitude, orphanMs: number): boolean =>
  agentGoneMs !== undefined && Math.min(agentGoneMs, idleMs) > orphanMs;
