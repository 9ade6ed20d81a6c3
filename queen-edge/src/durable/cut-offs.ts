import { limits, reaches } from "@rbee/contracts";
import type { Holder } from "@rbee/job-http";
import type { Env } from "../env.ts";
import type { Registry } from "../queen/registry.ts";
import { logFailure } from "./answers.ts";
import { jobOf } from "./ports.ts";
import type { Watchers } from "./watchers.ts";

/** What was opened with a key that is worthless ends: watching, and streams of open jobs, its own and any that it might see. [KEY-3] */
export class CutOffs {
  readonly #env: Env;
  readonly #registry: Registry;
  readonly #watchers: Watchers;
  /** How often jobs were told in vain, of each key. Forgotten with the object: then it is tried as often again. */
  readonly #vain = new Map<string, number>();

  constructor(env: Env, { registry, watchers }: { registry: Registry; watchers: Watchers }) {
    this.#env = env;
    this.#registry = registry;
    this.#watchers = watchers;
  }

  /** For the last time, of keys that no Worker takes any more. @returns whether any is forgotten now */
  async ended(colony: string, now: number): Promise<boolean> {
    const { keys } = this.#registry;
    let forgotten = false;
    for (const key of keys.ended(now)) {
      const tries = (this.#vain.get(key.key_id) ?? 0) + 1;
      if (!(await this.of(colony, key)) && tries < limits.key_cut_off_tries) {
        this.#vain.set(key.key_id, tries);
        continue;
      }
      this.#vain.delete(key.key_id);
      keys.forget(key.key_id);
      forgotten = true;
    }
    return forgotten;
  }

  /** @returns whether all jobs know */
  async of(colony: string, { key_id, scope }: Holder): Promise<boolean> {
    this.#watchers.dismiss(key_id);
    const read = this.#registry.openJobs().filter(({ want }) => want.key_id === key_id || reaches(scope, "operator"));
    let all = true;
    for (let from = 0; from < read.length; from += limits.key_cut_off_jobs) {
      const some = read.slice(from, from + limits.key_cut_off_jobs);
      const told = await Promise.allSettled(
        some.map(async ({ want }) => jobOf(this.#env, colony, want.job_id).dismiss(key_id)),
      );
      for (const one of told) {
        if (one.status === "fulfilled") continue;
        all = false;
        logFailure("notice_failed")(one.reason);
      }
    }
    return all;
  }
}
