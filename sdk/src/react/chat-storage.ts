/** One thing that was said. */
export interface ChatTurn {
  readonly role: "system" | "user" | "assistant";
  readonly content: string;
  /** Why the answer ends where it does, when the model did not end it. */
  readonly ended?: "stopped" | "failed";
}

/** What a chat needs to go on after the page was loaded anew. The answer that is under way is in its job's log. */
export interface ChatMemory {
  readonly turns: readonly ChatTurn[];
  /** The job that answers the last turn. */
  readonly jobId?: string | undefined;
}

const nothing: ChatMemory = { turns: [] };

/** A chat's place in the browser's storage, as far as the browser gives one: without it the chat only forgets. */
export function chatStorage(key: string | undefined, storage: () => Storage = () => sessionStorage) {
  return {
    read(): ChatMemory {
      const kept =
        key === undefined ? undefined : attempt(() => JSON.parse(storage().getItem(key) ?? "null") as unknown);
      return isMemory(kept) ? kept : nothing;
    },
    write(memory: ChatMemory): void {
      if (key !== undefined) attempt(() => storage().setItem(key, JSON.stringify(memory)));
    },
  };
}

/** Storage that is full, forbidden or not there throws. */
function attempt<T>(act: () => T): T | undefined {
  try {
    return act();
  } catch {
    return undefined;
  }
}

/** What is in a storage may be of another version, or somebody else's. */
const isMemory = (kept: unknown): kept is ChatMemory =>
  typeof kept === "object" &&
  kept !== null &&
  "turns" in kept &&
  Array.isArray(kept.turns) &&
  kept.turns.every(
    (turn: Partial<ChatTurn> | null) => typeof turn?.role === "string" && typeof turn.content === "string",
  );
