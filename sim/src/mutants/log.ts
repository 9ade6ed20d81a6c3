import type { Mutant } from "./mutants.ts";

const LOG = "job-core/src/event-log.ts";
const LEASE = "job-core/src/lease.ts";
const JOB = "queen-edge/src/queen/job.ts";
const PHASE = "job-core/src/phase.ts";

export const logMutants: readonly Mutant[] = [
  {
    id: "ack-before-durable",
    rule: "LOG-3",
    breaks: "the queen acknowledges what is only in her memory",
    file: LOG,
    original: "    return this.#durable;",
    mutated: "    return this.last;",
  },
  {
    id: "no-dedupe",
    rule: "LOG-1",
    breaks: "events that are there already are taken again",
    file: LOG,
    original: "const fresh = items.slice(this.last + 1 - first);",
    mutated: "const fresh = items.slice();",
  },
  {
    id: "gap-accepted",
    rule: "LOG-2",
    breaks: "a frame behind a gap is taken",
    file: LOG,
    original: 'if (first > this.last + 1) return { kind: "gap" };',
    mutated: "",
  },
  {
    id: "tail-survives-term",
    rule: "LOG-4",
    breaks: "what a lost hive had not committed goes into the next term",
    file: LOG,
    original: "    this.#durable = 0;\n    this.#clearTail();",
    mutated: "    this.#durable = 0;",
    also: [
      {
        file: JOB,
        original: "    this.log.commit();\n    const tokens = this.log.tokens();",
        mutated: "    const tokens = this.log.tokens();",
      },
    ],
  },
  {
    id: "lease-never-expires",
    rule: "JOB-3",
    breaks: "a silent hive keeps its job for ever",
    file: LEASE,
    original: 'if (now >= phase.lease_until) return { what: "silent", phase };',
    mutated: "",
  },
  {
    id: "cancel-never-expires",
    rule: "JOB-3",
    breaks: "a hive that does not stop keeps a cancelled job",
    file: LEASE,
    original:
      'if (phase.cancel_until !== undefined && now >= phase.cancel_until) return { what: "cancel_unanswered", phase };',
    mutated: "",
  },
  {
    id: "clock-jump-ignored",
    rule: "JOB-8",
    breaks: "a lease counts by a clock that jumped",
    file: LEASE,
    original: "const sane = afterClockJump(placed, now);",
    mutated: "const sane = placed;",
  },
  {
    id: "rerun-although-shown",
    rule: "JOB-6",
    breaks: "a job runs again although its tokens were shown",
    file: PHASE,
    original: 'rerun === "unseen" && job.shown && !job.continues',
    mutated: 'rerun === "unseen" && job.shown && job.continues',
  },
  {
    id: "dispatches-unbounded",
    rule: "JOB-6",
    breaks: "a job is given away as often as it is lost",
    file: PHASE,
    original: 'return phase.dispatches < limits.dispatches_max ? "requeue" : "attempts_exhausted";',
    mutated: 'return "requeue";',
  },
  {
    id: "requeue-same-term",
    rule: "JOB-2",
    breaks: "a job goes back to the queue without a term of its own",
    file: PHASE,
    original: "  term: phase.term + 1,\n  dispatches: phase.dispatches,\n  reason,\n  ...(model_digest",
    mutated: "  term: phase.term,\n  dispatches: phase.dispatches,\n  reason,\n  ...(model_digest",
  },
  {
    id: "queen-ends-in-the-hives-term",
    rule: "JOB-5",
    breaks: "the queen's last word stands in the hive's term",
    file: PHASE,
    original: '(phase.state === "queued" ? phase.term : phase.term + 1);',
    mutated: "phase.term;",
  },
  {
    id: "log-read-from-the-row",
    rule: "LOG-5",
    breaks: "a log is read from the start of a row, not from the position",
    file: LOG,
    original:
      "const entry = this.#entry(row.term, row.first + i, item);\n        if (isAfter(entry.position, position)) yield entry;",
    mutated: "const entry = this.#entry(row.term, row.first + i, item);\n        yield entry;",
  },
  {
    id: "tail-misnumbered",
    rule: "LOG-5",
    breaks: "what is read of the tail has the numbers of what is durable",
    file: LOG,
    original: "this.#entry(this.#term, this.#durable + 1 + i, item);",
    mutated: "this.#entry(this.#term, this.#durable + i, item);",
  },
  {
    id: "sign-of-life-shortens",
    rule: "JOB-3",
    breaks: "a sign of life makes the lease shorter",
    file: LEASE,
    original: "Math.max(phase.lease_until, heard_at",
    mutated: "Math.min(phase.lease_until, heard_at",
  },
  {
    id: "rerun-never-allowed",
    rule: "JOB-6",
    breaks: "a job that nobody has seen anything of is given up with its hive",
    file: PHASE,
    original: 'rerun === "never" || (',
    mutated: 'rerun !== "always" || (',
  },
];
