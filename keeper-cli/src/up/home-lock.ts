import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { fail } from "../failure.ts";

/**
 * Two queens over one state would spoil it. SQLite's file lock is the operating system's: it is let go when this process
 * ends, however it ends. @throws RbeeError when another `rbee up` has this home
 */
export function lockHome(home: string): { release: () => void } {
  mkdirSync(home, { recursive: true, mode: 0o700 });
  const database = new DatabaseSync(join(home, "up.lock"), { timeout: 0 });
  try {
    database.exec("BEGIN EXCLUSIVE");
  } catch (cause) {
    database.close();
    if (!(cause instanceof Error) || !cause.message.includes("locked")) throw cause;
    throw fail(
      "unavailable",
      `rbee is up already with its state in ${home}`,
      "`rbee status` talks to it; another one needs another --home and --port.",
    );
  }
  return { release: () => database.close() };
}
