import { limits } from "@rbee/contracts";

/** A worker of a hive. */
export interface Seat {
  readonly hive_id: string;
  readonly worker_id: string;
}

/** Hashes of a conversation: under which it is remembered, and under which an earlier turn of it may have been, newest first. */
export interface SessionKeys {
  readonly keep: string;
  readonly find: readonly string[];
}

/**
 * Which worker served which conversation: the newest ones only, by hash. What is here is read from lines that are written
 * anyway, so it costs no row and survives the object's sleep.
 */
export class Conversations {
  /** In order of use. */
  readonly #seats = new Map<string, Seat>();
  readonly #held = new Map<string, number>();

  note(session: string, seat: Seat): void {
    this.#forget(session);
    this.#seats.set(session, seat);
    this.#count(seat, 1);
    if (this.#seats.size <= limits.conversations_max) return;
    const [oldest] = this.#seats.keys();
    if (oldest !== undefined) this.#forget(oldest);
  }

  /** The worker of the newest turn that is known. */
  find(keys: SessionKeys): Seat | undefined {
    for (const key of keys.find) {
      const seat = this.#seats.get(key);
      if (seat !== undefined) return seat;
    }
    return undefined;
  }

  /** Conversations that a worker is remembered for. */
  on(hive_id: string, worker_id: string): number {
    return this.#held.get(nameOf({ hive_id, worker_id })) ?? 0;
  }

  #forget(session: string): void {
    const seat = this.#seats.get(session);
    if (seat === undefined) return;
    this.#seats.delete(session);
    this.#count(seat, -1);
  }

  #count(seat: Seat, by: 1 | -1): void {
    const count = (this.#held.get(nameOf(seat)) ?? 0) + by;
    if (count === 0) this.#held.delete(nameOf(seat));
    else this.#held.set(nameOf(seat), count);
  }
}

const nameOf = ({ hive_id, worker_id }: Seat): string => `${hive_id} ${worker_id}`;

/**
 * Texts whose hashes tell conversations apart. A turn is kept under all of its messages; the next one has the same, then
 * the answer and what is new, so it finds its predecessor under what stands before an answer.
 */
export function sessionTexts(input: Readonly<Record<string, unknown>>): { keep: string; find: string[] } | undefined {
  const { session, messages } = input;
  if (typeof session === "string") return { keep: `named ${session}`, find: [`named ${session}`] };
  if (!Array.isArray(messages)) return undefined;
  const answers = messages.flatMap((message: { role?: unknown }, i) =>
    message.role === "assistant" && i > 0 ? [i] : [],
  );
  const before = answers.slice(-limits.conversation_turns_looked_up).toReversed();
  const textOf = (length: number): string => `chat ${JSON.stringify(messages.slice(0, length))}`;
  const keep = textOf(messages.length);
  return { keep, find: [keep, ...before.map(textOf)] };
}
