import { RbeeError } from "@rbee/contracts";

/**
 * Where an event stands in a job's log. A term has one writer: the queen writes the even ones (while the job waits, and
 * its last words), a hive each odd one. Terms only grow, so whoever lost its term can be told from whoever has it.
 */
export interface Position {
  readonly term: number;
  readonly seq: number;
}

/** Before the first event. */
export const origin: Position = { term: 0, seq: 0 };

export const isAfter = (a: Position, b: Position): boolean => a.term > b.term || (a.term === b.term && a.seq > b.seq);

/** The `id:` of a server-sent event. */
export const formatPosition = ({ term, seq }: Position): string => `${term}.${seq}`;

/** Reads a `Last-Event-ID`. @throws RbeeError invalid_position */
export function parsePosition(text: string): Position {
  const match = /^(\d{1,9})\.(\d{1,9})$/.exec(text);
  if (match === null)
    throw new RbeeError("invalid_position", `${JSON.stringify(text.slice(0, 32))} is not an event id like 1.17`);
  return { term: Number(match[1]), seq: Number(match[2]) };
}
