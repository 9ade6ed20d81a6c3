import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { eventLogSuite } from "../../../job-core/src/event-log.suite.ts";
import { durableSql } from "./durable-sql.ts";

eventLogSuite(async (work) => {
  const stub = env.JOB.getByName(crypto.randomUUID());
  await runInDurableObject(stub, (_object, state) => work(durableSql(state.storage)));
});
