import type { Mutant } from "./mutants.ts";

const JOB = "hive-agent/src/jobs/job.ts";
const JOBS = "hive-agent/src/jobs/jobs.ts";
const JOURNAL = "hive-agent/src/jobs/journal.ts";
const OUTBOX = "hive-agent/src/jobs/outbox.ts";
const PUMP = "hive-agent/src/jobs/pump.ts";
const LANE = "hive-agent/src/link/lane.ts";
const PRELUDE = "hive-agent/src/link/prelude.ts";
const KEPT_LINE = "hive-agent/src/link/kept-line.ts";
const CONTROL = "hive-agent/src/link/control-link.ts";

export const agentMutants: readonly Mutant[] = [
  {
    id: "end-before-its-tail",
    breaks: "an end is journaled without its last events",
    file: OUTBOX,
    original:
      "    for (const chunk of this.#writing) this.#journal.append(this.#id, chunk);\n    if (this.#pendingOutcome",
    mutated:
      "    if (this.#pendingOutcome === undefined) for (const chunk of this.#writing) this.#journal.append(this.#id, chunk);\n    if (this.#pendingOutcome",
  },
  {
    id: "end-not-journaled",
    breaks: "an end is sent and not journaled",
    file: OUTBOX,
    original: "if (this.#pendingOutcome !== undefined) this.#journal.end(this.#id, this.#pendingOutcome);",
    mutated: "",
    survives: "the handler runs again behind what was journaled and ends in the same way",
  },
  {
    id: "sent-before-journaled",
    breaks: "what could not be journaled is sent nevertheless",
    file: PUMP,
    original:
      "      for (const member of members) this.#waiting.add(member);\n      this.#timer ??= this.#clock.after(limits.journal_retry_ms, () => this.#tick());\n      return;",
    mutated: "",
  },
  {
    id: "end-sent-first",
    breaks: "the end goes out before the events that are left",
    file: OUTBOX,
    original: "if (chunk === undefined) return this.#endFrame();",
    mutated: "if (chunk === undefined || this.#outcome !== undefined && !this.#endSent) return this.#endFrame();",
    survives: "the queen answers an end behind a gap with where to go on, and everything comes again in order",
  },
  {
    id: "ack-drops-too-much",
    breaks: "an acknowledgement drops one chunk more than it covers",
    file: OUTBOX,
    original: "      if (lastOf(chunk) > acked) break;",
    mutated: "      if (chunk.first > acked + 1) break;",
  },
  {
    id: "gap-not-resent",
    breaks: "when the queen says where to go on, nothing goes back",
    file: OUTBOX,
    original: "  ready(acked: number): boolean {\n    this.#restart();",
    mutated: "  ready(acked: number): boolean {",
  },
  {
    id: "end-said-once",
    breaks: "an end is not said again on the next line",
    file: OUTBOX,
    original: "    this.#endSent = false;\n    this.#next = 0;",
    mutated: "    this.#next = 0;",
  },
  {
    id: "torn-unnoticed",
    breaks: "a queen that has more than the journal is not noticed",
    file: OUTBOX,
    original: "    return acked <= this.#begunAt;",
    mutated: "    return true;",
  },
  {
    id: "boot-ignored",
    breaks: "after a power cut the agent goes on as if its journal were whole",
    file: JOURNAL,
    original: "if (known !== undefined && known !== boot) {",
    mutated: "if (known === '') {",
  },
  {
    id: "tokens-miscounted",
    breaks: "tokens that were acknowledged are forgotten when the agent starts again",
    file: JOURNAL,
    original: "UPDATE jobs SET acked = ?2, tokens = ${tokens} WHERE id = ?1",
    mutated: "UPDATE jobs SET acked = ?2, tokens = tokens + 0 * (${tokens.length} + ?2 - ?2) WHERE id = ?1",
  },
  {
    id: "older-term-stays",
    breaks: "an older term of a job is not replaced by a newer one",
    file: JOBS,
    original: "    held?.replaced();",
    mutated: "",
  },
  {
    id: "earlier-term-taken",
    breaks: "an operation of an earlier term replaces a newer one",
    file: JOBS,
    original: "(held !== undefined && held.term > op.term) || this.#over.has(keyOf(op))",
    mutated: "this.#over.has(keyOf(op))",
  },
  {
    id: "op-repeated-after-its-end",
    breaks: "an operation that comes again after its end runs again",
    file: JOBS,
    original: "    this.#over.add(keyOf(job));",
    mutated: "",
    survives: "the term is over at the queen: the second run's lane is answered with 410, and its words with nothing",
  },
  {
    id: "not-resumed",
    breaks: "jobs that an earlier run of the agent left are not taken up",
    file: JOBS,
    original: "      job.resume();",
    mutated: "",
  },
  {
    id: "resume-from-the-start",
    breaks: "a handler that is taken up begins its text anew",
    file: JOB,
    original: "else this.#run(this.#outbox.tokens);",
    mutated: "else this.#run(0);",
  },
  {
    id: "cancel-lost",
    breaks: "a cancel does not reach the handler, nor end without it",
    file: JOB,
    original: "    if (this.#cancelled || this.#outbox.finished) return;\n    this.#cancelled = true;",
    mutated: "    if (this.#outbox !== undefined) return;\n    this.#cancelled = true;",
    survives: "the queen ends the job herself when the grace is over; the hive only works a little longer",
  },
  {
    id: "cancel-told-as-failure",
    breaks: "what ends because it was cancelled is told as failed",
    file: JOB,
    original: 'const told = this.#cancelled && outcome.status === "failed";',
    mutated: "const told = false;",
  },
  {
    id: "no-cancel-grace",
    breaks: "a handler that does not listen holds a cancelled job",
    file: JOB,
    original:
      'this.#grace = this.#context.clock.after(limits.cancel_grace_ms, () => this.#finish({ status: "cancelled" }));',
    mutated: "",
    survives: "the queen's own grace ends the job at the same time",
  },
  {
    id: "not-forgotten",
    breaks: "a job stays in the journal after its end was acknowledged",
    file: JOB,
    original: "    this.#outbox.forget();\n    this.#context.pump.later(this);",
    mutated: "",
  },
  {
    id: "hello-confirms-nothing",
    breaks: "the queen's answer to hello is taken for a gap",
    file: LANE,
    original: "const whole = this.#confirmed ? this.#outbox.ready(frame.acked) : this.#outbox.confirm(frame.acked);",
    mutated: "const whole = this.#outbox.ready(frame.acked);",
    survives: "everything is said once more than needed, and dropped by its number",
  },
  {
    id: "no-flush",
    breaks: "the queen is never asked to commit, nor where she stands",
    file: LANE,
    original: "    this.#idle = clock.after(this.#sentAt + wait - clock.now(), () => {",
    mutated: "    this.#idle = clock.after(1e12, () => {",
  },
  {
    id: "no-fence",
    breaks: "a zombie past its lease goes on sending",
    file: LANE,
    original: "return this.#outbox.isReady && this.#context.clock.now() - this.#answeredAt > FENCE_MS;",
    mutated: "return false;",
    survives: "the queen's own fence, the term, stops what it says; this one only spares the work",
  },
  {
    id: "lane-never-gives-up",
    breaks: "a lane that is refused for good is dialled again and again",
    file: LANE,
    original: 'if (!final) return "again";',
    mutated: 'if (!final || this.#asked !== "position") return "again";',
  },
  {
    id: "prelude-trusted",
    breaks: "no lane is dialled when first words are not answered",
    file: PRELUDE,
    original: "if (said && endSent) this.#timer = this.#dialAfter(limits.prelude_answer_ms);",
    mutated: "if (said && endSent) return true;",
  },
  {
    id: "prelude-without-lane",
    breaks: "a job that goes on after its first words gets no lane",
    file: PRELUDE,
    original: "    else this.#dial();\n    return true;",
    mutated: "    return true;",
  },
  {
    id: "line-not-redialled",
    breaks: "a line that broke is not dialled again",
    file: KEPT_LINE,
    original: '    if (verdict === "now") this.#backoff.reset();\n    this.#reconcile();',
    mutated: '    if (verdict === "now") this.#backoff.reset();',
  },
  {
    id: "dial-without-end",
    breaks: "a dial that is never answered is waited for for ever",
    file: KEPT_LINE,
    original:
      'this.#settling = options.clock.after(limits.connect_wait_ms, () => this.drop("the queen did not answer"));',
    mutated: "",
  },
  {
    id: "older-line-heard",
    breaks: "what an older line says is heard as if it came on the newer",
    file: KEPT_LINE,
    original: "message: (text) => line === this.#line && options.message(text),",
    mutated: "message: (text) => options.message(text),",
    survives: "a line that was dropped is terminated: nothing comes on it any more",
  },
  {
    id: "clock-not-corrected",
    breaks: "a machine whose clock is off is refused for good",
    file: CONTROL,
    original:
      "if (status === 401 && queen_time !== undefined && this.#clock.correct(this.#context.clock.wall(), queen_time)) {",
    mutated: "if (status === 402 && queen_time !== undefined) {",
  },
  {
    id: "held-jobs-not-told",
    breaks: "a hive does not tell which jobs it holds",
    file: CONTROL,
    original: "inventory, jobs: this.#context.held() });",
    mutated: "inventory, jobs: [] });",
    survives:
      "a job that has said something is not believed lost; one that has not is given away again, which is allowed",
  },
];
