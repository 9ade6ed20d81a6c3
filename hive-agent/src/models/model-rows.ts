import { limits } from "@rbee/contracts";
import type { SqlValue } from "@rbee/job-core";
import { existsSync } from "node:fs";
import { z } from "zod";
import type { NodeSql } from "../storage/node-sql.ts";

const DownloadRow = z.object({
  id: z.string(),
  name: z.string(),
  files: z.array(z.object({ part: z.string(), target: z.string(), size: z.number() })),
});
/** A model that is being fetched, or was when it was last heard of. */
export type DownloadRow = z.infer<typeof DownloadRow>;

/** What can be known of a file without reading it again. */
export type Fact = "problem" | "header" | "digest" | "sha256";

/**
 * What this hive has learnt about its model files. The files themselves are the truth: a fact counts only while its stamp
 * is the file's, and losing all of it costs nothing but reading again.
 */
export class ModelRows {
  readonly #sql: NodeSql;

  constructor(sql: NodeSql) {
    this.#sql = sql;
    this.#exec(
      "CREATE TABLE IF NOT EXISTS facts (path TEXT, fact TEXT, stamp TEXT, value TEXT, PRIMARY KEY (path, fact)) WITHOUT ROWID",
    );
    this.#exec("CREATE TABLE IF NOT EXISTS downloads (id TEXT PRIMARY KEY, row TEXT) WITHOUT ROWID");
    this.#reconcile();
  }

  fact(path: string, fact: Fact, stamp: string): unknown {
    const query = "SELECT value FROM facts WHERE path = ? AND fact = ? AND stamp = ?";
    const [row] = this.#exec<{ value: string }>(query, path, fact, stamp);
    return row === undefined ? undefined : JSON.parse(row.value);
  }

  learn(path: string, fact: Fact, { stamp, value }: { stamp: string; value: unknown }): void {
    const query = "INSERT OR REPLACE INTO facts (path, fact, stamp, value) VALUES (?, ?, ?, ?)";
    this.#exec(query, path, fact, stamp, JSON.stringify(value));
  }

  downloads(): DownloadRow[] {
    return this.#exec<{ row: string }>("SELECT row FROM downloads ORDER BY id").flatMap(({ row }) => {
      const parsed = DownloadRow.safeParse(JSON.parse(row));
      return parsed.success ? [parsed.data] : [];
    });
  }

  begin(row: DownloadRow): void {
    this.#exec("INSERT OR REPLACE INTO downloads (id, row) VALUES (?, ?)", row.id, JSON.stringify(row));
  }

  end(id: string): void {
    this.#exec("DELETE FROM downloads WHERE id = ?", id);
  }

  close(): void {
    this.#sql.close();
  }

  /** Who still looks at files when the agent ends learns nothing, and breaks nothing. */
  #exec<Row extends Record<string, SqlValue>>(query: string, ...bindings: SqlValue[]): Row[] {
    return this.#sql.isOpen ? this.#sql.exec<Row>(query, ...bindings) : [];
  }

  /** Rows of files that are gone teach nothing. */
  #reconcile(): void {
    this.#sql.transaction(() => {
      const paths = this.#exec<{ path: string }>("SELECT DISTINCT path FROM facts");
      paths.forEach(({ path }, n) => {
        if (n >= limits.models_max || !existsSync(path)) this.#exec("DELETE FROM facts WHERE path = ?", path);
      });
      for (const { id, files } of this.downloads()) {
        if (!files.some(({ part, target }) => existsSync(part) || existsSync(target))) this.end(id);
      }
    });
  }
}
