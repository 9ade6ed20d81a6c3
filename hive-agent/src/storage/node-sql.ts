import { closeSync, fdatasync, openSync } from "node:fs";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import type { Sql, SqlValue } from "@rbee/job-core";
import { limits } from "@rbee/contracts";

/** Somebody else has the file open. */
export class FileInUse extends Error {}

/** What is in the file is no database of ours. */
export class FileDamaged extends Error {}

const SQLITE_BUSY = 5;
const SQLITE_CORRUPT = 11;
const SQLITE_NOTADB = 26;

/**
 * A database file of ours alone. The operating system holds its lock and drops it with the process, however it dies,
 * so nothing can be left stuck.
 */
export class NodeSql implements Sql {
  readonly #db: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  #wal: number | undefined;
  #sync: "idle" | "waiting" | "again" = "idle";

  /** @param path a file, or `:memory:` @throws FileInUse, FileDamaged */
  constructor(path: string) {
    this.#db = new DatabaseSync(path);
    try {
      // With NORMAL a commit is a write to the log file, which outlives the process (kill -9) but not the power; `sync`
      // narrows that gap without making a job wait for the disk. What a power cut may take is a tail, never a middle.
      this.#db.exec("PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL");
      // The first write takes the lock.
      this.#db.exec("BEGIN IMMEDIATE; COMMIT");
    } catch (cause) {
      this.#db.close();
      const { errcode } = cause as { errcode?: number };
      if (errcode === SQLITE_BUSY) throw new FileInUse(`${path} is in use by another process`, { cause });
      if (errcode === SQLITE_CORRUPT || errcode === SQLITE_NOTADB)
        throw new FileDamaged(`${path} is damaged`, { cause });
      throw cause;
    }
    if (path !== ":memory:") this.#wal = openSync(`${path}-wal`, "r+");
  }

  exec<Row extends Record<string, SqlValue>>(query: string, ...bindings: SqlValue[]): Row[] {
    let statement = this.#statements.get(query);
    if (statement === undefined) {
      statement = this.#db.prepare(query);
      this.#statements.set(query, statement);
    }
    return statement.all(...bindings) as Row[];
  }

  transaction<T>(work: () => T): T {
    if (this.#db.isTransaction) return work();
    this.exec("BEGIN IMMEDIATE");
    try {
      const result = work();
      this.exec("COMMIT");
      return result;
    } catch (error) {
      if (this.#db.isTransaction) this.exec("ROLLBACK");
      throw error;
    }
  }

  /** Puts what is committed by now on the disk soon, off the main thread, at most once per `journal_sync_ms`. */
  sync(): void {
    if (this.#wal === undefined) return;
    if (this.#sync !== "idle") {
      this.#sync = "again";
      return;
    }
    this.#sync = "waiting";
    // A failing disk shows itself in the next write.
    fdatasync(this.#wal, () => setTimeout(() => this.#synced(), limits.journal_sync_ms).unref());
  }

  get isOpen(): boolean {
    return this.#db.isOpen;
  }

  close(): void {
    if (!this.#db.isOpen) return;
    this.#statements.clear();
    this.#db.close();
    if (this.#wal !== undefined) closeSync(this.#wal);
    this.#wal = undefined;
  }

  #synced(): void {
    const again = this.#sync === "again";
    this.#sync = "idle";
    if (again) this.sync();
  }
}
