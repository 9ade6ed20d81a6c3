export type SqlValue = string | number | null;

/**
 * The two calls a durable log needs, so that the same code runs on Durable Object storage and on node:sqlite.
 * One statement per `exec`.
 */
export interface Sql {
  exec<Row extends Record<string, SqlValue>>(query: string, ...bindings: SqlValue[]): Row[];
  /** All or nothing. `work` must not await. */
  transaction<T>(work: () => T): T;
}
