import { limits } from "@rbee/contracts";
import { Outbox } from "../../../hive-agent/src/jobs/outbox.ts";
import { Job } from "../../../queen-edge/src/queen/job.ts";

/** Whose bounds are watched. */
let fail: (why: string) => void = () => undefined;

export function watchMemory(report: (why: string) => void): void {
  fail = report;
}

/** Puts itself around the two places where something is taken; the code itself knows nothing of it. */
const around = <T extends object, K extends keyof T>(prototype: T, method: K, wrap: (original: T[K]) => T[K]): void =>
  void (prototype[method] = wrap(prototype[method]));

around(
  Job.prototype,
  "hear",
  (hear) =>
    function (this: Job, ...args) {
      const effects = hear.apply(this, args);
      const { tailEvents, tailBytes } = this.log;
      if (tailEvents >= limits.commit_events || tailBytes >= limits.commit_bytes)
        fail(`${this.spec.job_id}: ${tailEvents} events of ${tailBytes} bytes are in memory only`);
      return effects;
    },
);

around(
  Outbox.prototype,
  "add",
  (add) =>
    function (this: Outbox, item) {
      if (this.full) fail(`${this.op.job_id}: something is added to a full outbox`);
      add.call(this, item);
    },
);
