import type { HiveContext, HiveHandlers } from "../jobs/handler.ts";
import { silentLog } from "../log.ts";
import { openModels } from "../models/open-models.ts";
import { never, type TestHive } from "../workers/testing.ts";
import { createHandlers } from "./create.ts";
import type { HandlerDeps } from "./deps.ts";

/** The handlers of a hive under test, and what they keep open. */
export interface TestHandlers {
  readonly handlers: HiveHandlers;
  close(): Promise<void>;
}

let opened = 0;

/** All handlers over a hive's workers. Those of the hive itself have their own tests. */
export function openHandlers(hive: TestHive, instead: Partial<HandlerDeps> = {}): TestHandlers {
  opened += 1;
  const models = openModels({ home: `${hive.home}/models-${opened}`, dirs: [], files: [], log: silentLog });
  const { catalogue, supervisor, engines } = hive;
  const { provisioner } = models;
  const self = {} as HandlerDeps["self"];
  const own: HandlerDeps = {
    hive_id: "den",
    catalogue,
    supervisor,
    engines,
    provisioner,
    pulls: false,
    self,
    rtt: async () => 12,
  };
  return { handlers: createHandlers({ ...own, ...instead }), close: async () => models.close() };
}

let jobs = 0;

/** A job of its own, begun afresh, that nothing interrupts. */
export function aContext(instead: Partial<HiveContext> = {}): HiveContext {
  jobs += 1;
  const job_id = `job_h${jobs}`;
  const fresh = { worker_id: undefined, resume: [], resume_after_tokens: undefined };
  return { job_id, term: 1, signal: never, draining: never, ...fresh, ...instead };
}
