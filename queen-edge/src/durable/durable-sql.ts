import type { Sql, SqlValue } from "@rbee/job-core";

/** A Durable Object's own SQLite as job-core's `Sql`. */
export const durableSql = (storage: DurableObjectStorage): Sql => ({
  exec: <Row extends Record<string, SqlValue>>(query: string, ...bindings: SqlValue[]) =>
    storage.sql.exec<Row>(query, ...bindings).toArray(),
  transaction: <T>(work: () => T) => storage.transactionSync(work),
});
