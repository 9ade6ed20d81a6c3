import type { Mutant } from "./mutants.ts";

const LOG = "job-core/src/event-log.ts";
const LEASE = "job-core/src/lease.ts";
const PHASE = "job-core/src/phase.ts";
const JOB = "queen-edge/src/queen/job.ts";
const JOB_OBJECT = "queen-edge/src/durable/job-object.ts";
const LANES = "queen-edge/src/durable/lanes.ts";
const READERS = "queen-edge/src/durable/readers.ts";

export const queenMutants: readonly Mutant[] = [
  {
    id: "ack-before-durable",
    breaks: "the queen acknowledges what is only in her memory",
    file: LOG,
    original: "    return this.#durable;",
    mutated: "    return this.last;",
  },
  {
    id: "no-dedupe",
    breaks: "events that are there already are taken again",
    file: LOG,
    original: "const fresh = items.slice(this.last + 1 - first);",
    mutated: "const fresh = items.slice();",
  },
  {
    id: "gap-accepted",
    breaks: "a frame behind a gap is taken",
    file: LOG,
    original: 'if (first > this.last + 1) return { kind: "gap" };',
    mutated: "",
  },
  {
    id: "tail-survives-term",
    breaks: "what a lost hive had not committed goes into the next term",
    file: LOG,
    original: "    this.#durable = 0;\n    this.#clearTail();",
    mutated: "    this.#durable = 0;",
    survives: "whoever takes over commits first, so the tail is empty by then; this is the second line",
  },
  {
    id: "end-with-a-gap",
    breaks: "an end counts although events before it are missing",
    file: JOB,
    original: "if (this.log.last < final) return",
    mutated: "if (this.log.last < final - 1000) return",
  },
  {
    id: "end-acked-not-written",
    breaks: "the end is acknowledged before the job's state is written",
    file: JOB,
    original: "    this.#record.move(ended);\n    return [shown",
    mutated: "    return [shown",
  },
  {
    id: "frames-behind-the-end",
    breaks: "frames behind an end are heard",
    file: JOB,
    original: "if (this.phase.term === term && !isEnded(this.phase)) effects.push",
    mutated: "effects.push",
    survives: "no hive says anything behind an end in one message, and behind a written one the lane is closed",
  },
  {
    id: "lease-never-expires",
    breaks: "a silent hive keeps its job for ever",
    file: LEASE,
    original: 'if (now >= phase.lease_until) return { what: "silent", phase };',
    mutated: "",
  },
  {
    id: "cancel-never-expires",
    breaks: "a hive that does not stop keeps a cancelled job",
    file: LEASE,
    original:
      'if (phase.cancel_until !== undefined && now >= phase.cancel_until) return { what: "cancel_unanswered", phase };',
    mutated: "",
    survives: "the hive's own grace ends it as soon, and without a hive the lease does",
  },
  {
    id: "clock-jump-ignored",
    breaks: "a lease counts by a clock that jumped",
    file: LEASE,
    original: "const sane = afterClockJump(placed, now);",
    mutated: "const sane = placed;",
  },
  {
    id: "rerun-although-shown",
    breaks: "a job runs again although its tokens were shown",
    file: PHASE,
    original: 'rerun === "unseen" && job.shown && !job.continues',
    mutated: 'rerun === "unseen" && job.shown && job.continues',
  },
  {
    id: "dispatches-unbounded",
    breaks: "a job is given away as often as it is lost",
    file: PHASE,
    original: 'return phase.dispatches < limits.dispatches_max ? "requeue" : "attempts_exhausted";',
    mutated: 'return "requeue";',
  },
  {
    id: "requeue-same-term",
    breaks: "a job goes back to the queue without a term of its own",
    file: PHASE,
    original: "  term: phase.term + 1,\n  dispatches: phase.dispatches,\n  reason,\n  ...(model_digest",
    mutated: "  term: phase.term,\n  dispatches: phase.dispatches,\n  reason,\n  ...(model_digest",
    survives:
      "everything shown is committed first and no lane of a waiting job is let in; the term of her own is the second line",
  },
  {
    id: "queen-ends-in-the-hives-term",
    breaks: "the queen's last word stands in the hive's term",
    file: PHASE,
    original: '(phase.state === "queued" ? phase.term : phase.term + 1);',
    mutated: "phase.term;",
  },
  {
    id: "stale-decision-taken",
    breaks: "a decision for an earlier wait places a job again",
    file: JOB,
    original: 'if (phase.state !== "queued" || phase.term !== term) return undefined;',
    mutated: 'if (phase.state !== "queued") return undefined;',
    survives: "the job runs where the registry once had put it: one job too many there, for as long as it runs",
  },
  {
    id: "stale-loss-taken",
    breaks: "news of an earlier term takes the job from its hive",
    file: JOB,
    original:
      'if (phase.state !== "placed" || phase.term !== term) return [];\n    return this.#sql.transaction(() => this.#lost(phase, reason, now));',
    mutated:
      'if (phase.state !== "placed") return [];\n    return this.#sql.transaction(() => this.#lost(phase, reason, now));',
    survives: "only a job that has said nothing is believed lost: it is given away once more than needed",
  },
  {
    id: "queens-end-drops-shown",
    breaks: "what was shown and not committed is dropped when the queen ends a job",
    file: JOB,
    original: "    // What the hive said last was shown: it stays.\n    this.log.commit();",
    mutated: "",
  },
  {
    id: "cancel-not-repeated",
    breaks: "a lane that comes up is not told that its job is cancelled, and nobody waits for its end",
    file: JOB,
    original: 'if (phase.cancel_until !== undefined) effects.push({ do: "say", message: { t: "cancel" } });',
    mutated: "",
    survives: "the queen ends the job herself when the grace is over; the hive only works a little longer",
  },
  {
    id: "place-asked-once",
    breaks: "a place is asked for once, and never again when the answer is lost",
    file: "queen-edge/src/queen/effects.ts",
    original: '=> [{ do: "place" }, { do: "alarm", at: now + limits.take_up_ms }];',
    mutated: '=> [{ do: "place" }];',
  },
  {
    id: "not-released",
    breaks: "the registry is not told that a job is over",
    file: JOB,
    original: 'return [shown, { do: "release", ended }, { do',
    mutated: "return [shown, { do",
    survives: "the audit asks the job a minute later and frees the slot then",
  },
  {
    id: "audit-forgets-news",
    breaks: "a job whose place was decided and never told waits for ever",
    file: JOB_OBJECT,
    original: 'if (job.phase.state === "queued" && open.placement !== undefined && open.term > job.phase.term) {',
    mutated: "if (Date.now() < 0) {",
  },
  {
    id: "term-not-checked-on-prelude",
    breaks: "first words of a term that is over are heard",
    file: JOB_OBJECT,
    original: "if (job.phase.term !== term || job.phase.hive_id !== hive_id) return [];",
    mutated: "if (job.phase.hive_id !== hive_id) return [];",
  },
  {
    id: "no-fence-on-lane",
    breaks: "frames of a term that is over are heard",
    file: JOB_OBJECT,
    original: "if (isEnded(job.phase) || term !== job.phase.term) return this.#lanes.close(ws, closes.stale_term);",
    mutated: "if (isEnded(job.phase)) return this.#lanes.close(ws, closes.stale_term);",
  },
  {
    id: "lane-of-any-term",
    breaks: "a lane of a term that is over is let in",
    file: LANES,
    original: 'if (phase.state !== "placed" || phase.term !== term) return new Response(null, { status: 410 });',
    mutated: 'if (phase.state !== "placed") return new Response(null, { status: 410 });',
    survives: "its first frame meets the fence, which closes it",
  },
  {
    id: "superseded-lane-stays",
    breaks: "an older lane of the job is still trusted beside a newer one",
    file: LANES,
    original: 'for (const older of this.#ctx.getWebSockets("lane")) this.close(older, closes.superseded);',
    mutated: "",
  },
  {
    id: "broken-lane-unnoticed",
    breaks: "a lane that breaks changes nothing",
    file: JOB_OBJECT,
    original:
      "if (job === undefined || term !== job.phase.term || this.#lanes.open() !== undefined) return;\n    this.#run(job.laneGone(Date.now()));",
    mutated: "",
    survives: "the lease that runs anyway ends it later; that readers hear of it is proven end to end",
  },
  {
    id: "reader-sees-twice",
    breaks: "a reader gets events that it has had",
    file: READERS,
    original: "const fresh = entries.filter((entry) => isAfter(entry.position, sent));",
    mutated: "const fresh = entries.filter((entry) => isAfter(entry.position, sent) || entry.position.seq > 0);",
  },
  {
    id: "reader-position-kept-in-part",
    breaks: "what a reader was sent live is not noted",
    file: READERS,
    original: "this.#keep(ws, { ...reader, sent: last.position, unconfirmed: unconfirmed + text.length });",
    mutated: "this.#keep(ws, { ...reader, unconfirmed: unconfirmed + text.length });",
  },
  {
    id: "reader-left-behind",
    breaks: "a reader that fell behind is not sent the rest",
    file: READERS,
    original: "if (reader.behind) this.#sendFromLog(ws, job, { ...reader, unconfirmed });\n    else",
    mutated: "",
  },
  {
    id: "reader-not-told-the-end",
    breaks: "a reader that comes after the end is not told that there is nothing more",
    file: READERS,
    original: "if (!told.endsWith(DONE)) ws.send(DONE);",
    mutated: "",
    survives: "a reader that has seen the last event knows; this is for one that asks for more than there is",
  },
];
