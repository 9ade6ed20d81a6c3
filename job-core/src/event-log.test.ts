import { NodeSql } from "../../hive-agent/src/storage/node-sql.ts";
import { eventLogSuite } from "./event-log.suite.ts";

eventLogSuite(async (work) => work(new NodeSql(":memory:")));
