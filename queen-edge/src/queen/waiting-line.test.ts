import { limits, priorities } from "@rbee/contracts";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { aWant, seeded } from "../testing/fleets.ts";
import type { OpenJob, Want } from "./want.ts";
import { queueOf, WaitingLine } from "./waiting-line.ts";

let ranks = 0;
const aJob = (over: Partial<Want> = {}): OpenJob => ({
  rank: ++ranks,
  want: aWant(over),
  term: 0,
  placement: undefined,
  since: 0,
});

function lineOf(...jobs: OpenJob[]): WaitingLine {
  const line = new WaitingLine();
  for (const job of jobs) line.add(job);
  return line;
}

/** Serves as many as there are places, and gives their order. */
function served(line: WaitingLine, places = Infinity): OpenJob[] {
  const order: OpenJob[] = [];
  line.serve((job) => {
    if (order.length >= places) return "blocked";
    order.push(job);
    line.remove(job);
    line.began(job);
    return "placed";
  });
  return order;
}

const ids = (jobs: readonly OpenJob[]): string[] => jobs.map(({ want }) => want.job_id);

describe("whose turn it is", () => {
  test("higher priority first, then order of arrival", () => {
    const jobs = (["low", "normal", "high", undefined] as const).map((priority) =>
      aJob(priority === undefined ? {} : { priority }),
    );
    const [low, normal, high, other] = jobs as [OpenJob, OpenJob, OpenJob, OpenJob];
    expect(ids(served(lineOf(...jobs)))).toEqual(ids([high, normal, other, low]));
  });

  test("a script's hundred jobs do not hold up the one of a person who comes later", () => {
    const script = Array.from({ length: 100 }, () => aJob({ key_id: "script" }));
    const line = lineOf(...script);
    served(line, 10);
    const person = aJob({ key_id: "person" });
    line.add(person);
    expect(line.positionOf(person)).toBeLessThanOrEqual(2);
    expect(ids(served(line, 2))).toContain(person.want.job_id);
  });

  test("a script gets no more by asking for the same under many names", () => {
    const script = Array.from({ length: 50 }, (_, i) =>
      aJob({ key_id: "script", hive_labels: Array.from({ length: i % 10 }, (_, n) => `l${n}`) }),
    );
    const people = Array.from({ length: 50 }, () => aJob({ key_id: "person" }));
    const first = served(lineOf(...script, ...people), 40);
    expect(first.filter(({ want }) => want.key_id === "person")).toHaveLength(20);
  });

  test("a job that comes back stands where it stood", () => {
    const [first, second, third] = [aJob(), aJob(), aJob()];
    const line = lineOf(second, third);
    line.add(first);
    expect(ids(served(line))).toEqual(ids([first, second, third]));
  });

  test("those who want something else are not held up", () => {
    const [bee, wasp] = [aJob(), aJob({ model: "wasp" })];
    const line = lineOf(bee, wasp);
    const seen: string[] = [];
    line.serve((job) => {
      seen.push(job.want.job_id);
      return "blocked";
    });
    expect(seen).toEqual(ids([bee, wasp]));
  });

  test("what waited for a hive that was away catches up on a bounded number of jobs", () => {
    const away = Array.from({ length: 200 }, () => aJob({ key_id: "a", hive_id: "away" }));
    const others = Array.from({ length: 600 }, () => aJob({ key_id: "b" }));
    const line = lineOf(...away, ...others);
    let hiveIsBack = false;
    let places = 300;
    const order: OpenJob[] = [];
    const drain = () =>
      line.serve((job) => {
        if (places === 0 || (job.want.hive_id === "away" && !hiveIsBack)) return "blocked";
        places--;
        order.push(job);
        line.remove(job);
        line.began(job);
        return "placed";
      });
    drain();
    hiveIsBack = true;
    places = 100;
    drain();
    const late = order.slice(300).filter(({ want }) => want.key_id === "a").length;
    expect(late).toBeLessThanOrEqual(limits.fair_credit_jobs + 40);
  });
});

const anyJob = fc.record({
  key_id: fc.constantFrom("a", "b", "c"),
  priority: fc.constantFrom(...priorities),
  model: fc.constantFrom("bee", "wasp"),
});

test("the position that is told is the place in which a job is served, and the front is the first of these", () => {
  fc.assert(
    fc.property(fc.array(anyJob, { minLength: 1, maxLength: 60, size: "max" }), fc.nat(20), (wants, before) => {
      const line = lineOf(...wants.map((want) => aJob(want)));
      served(line, before);
      const jobs = [...line.all()].filter(({ want }) => want.model === "bee");
      const told = new Map(jobs.map((job) => [job.want.job_id, line.positionOf(job)]));
      const queue = queueOf(aWant({ model: "bee" }));
      expect(line.front(5, queue).map(({ want }) => told.get(want.job_id))).toEqual(
        Array.from({ length: Math.min(5, jobs.length) }, (_, i) => i + 1),
      );
      expect(told.size === 0 || Math.max(...told.values()) === told.size).toBe(true);
      // Of the other model nothing is served: what waits for it stands aside.
      const order: string[] = [];
      line.serve((job) => {
        if (job.want.model !== "bee") return "blocked";
        order.push(job.want.job_id);
        line.remove(job);
        line.began(job);
        return "placed";
      });
      expect(order.map((id) => told.get(id))).toEqual(order.map((_, i) => i + 1));
    }),
  );
});

test("[FAIR-1] keys that always ask get the same slot time, within a tenth, however long their jobs are", () => {
  const keyed = fc.record({ mean_ms: fc.integer({ min: 100, max: 5_000 }) });
  fc.assert(
    fc.property(fc.array(keyed, { minLength: 2, maxLength: 6 }), fc.nat(), (keys, seed) => {
      const random = seeded(seed);
      const line = new WaitingLine();
      const used = new Map<string, number>();
      const submit = (key: number) => line.add(aJob({ key_id: `k${key}` }));
      // As many as would fill every slot by themselves: nobody is slow to ask.
      for (const key of keys.keys()) for (let n = 0; n < 12; n++) submit(key);
      const SLOTS = 4;
      const running: { job: OpenJob; ends: number; ms: number }[] = [];
      for (let now = 0; now < 3_000_000;) {
        line.serve((job) => {
          if (running.length >= SLOTS) return "blocked";
          const key = Number(job.want.key_id?.slice(1));
          const ms = Math.round((keys[key]?.mean_ms ?? 1) * (0.5 + random()));
          line.remove(job);
          line.began(job);
          running.push({ job, ends: now + ms, ms });
          submit(key);
          return "placed";
        });
        running.sort((one, other) => one.ends - other.ends);
        const done = running.shift();
        if (done === undefined) break;
        now = done.ends;
        line.ended(done.job, done.ms);
        const { key_id = "" } = done.job.want;
        used.set(key_id, (used.get(key_id) ?? 0) + done.ms);
      }
      const shares = [...used.values()];
      expect(shares).toHaveLength(keys.length);
      expect(Math.max(...shares) / Math.min(...shares)).toBeLessThan(1.1);
    }),
    { numRuns: 25, endOnFailure: true },
  );
});
