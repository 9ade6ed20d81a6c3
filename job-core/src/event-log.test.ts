import { describe } from "vitest";
import { NodeSql } from "../../hive-agent/src/storage/node-sql.ts";
import { EventLog } from "./event-log.ts";
import { eventLogSuite } from "./event-log.suite.ts";
import { SharedLogRows } from "./log-rows.ts";
import type { Sql } from "./sql.ts";

describe("in a database of its own", () => eventLogSuite(async (work) => work(new NodeSql(":memory:"))));

describe("among the logs of other jobs", () => {
  const logOf = (sql: Sql, job_id = "job_b"): EventLog => new EventLog(new SharedLogRows(sql, job_id));
  const create = (sql: Sql): EventLog => {
    SharedLogRows.prepare(sql);
    for (const other of ["job_a", "job_c"]) {
      const log = logOf(sql, other);
      log.begin(7);
      log.append([{ type: "token", text: "another's" }]);
      log.commit();
    }
    return logOf(sql);
  };
  eventLogSuite(async (work) => work(new NodeSql(":memory:")), { create, open: logOf });
});
