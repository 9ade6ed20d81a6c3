import type { Mutant } from "./mutants.ts";

const LANE = "hive-agent/src/link/lane.ts";
const PRELUDE = "hive-agent/src/link/prelude.ts";
const KEPT_LINE = "hive-agent/src/link/kept-line.ts";
const CONTROL = "hive-agent/src/link/control-link.ts";

export const linkMutants: readonly Mutant[] = [
  {
    id: "superseded-lane-given-up",
    rule: "AGENT-13",
    breaks: "a lane that an older dial took the place of is not dialled again",
    file: LANE,
    original: "code !== closes.superseded.code && !mayReconnect(code)",
    mutated: "!mayReconnect(code)",
  },
  {
    id: "hello-confirms-nothing",
    rule: "AGENT-6",
    breaks: "the queen's answer to hello is taken for a gap",
    file: LANE,
    original: "const whole = this.#confirmed ? this.#outbox.ready(frame.acked) : this.#outbox.confirm(frame.acked);",
    mutated: "const whole = this.#outbox.ready(frame.acked);",
  },
  {
    id: "no-flush",
    rule: "AGENT-17",
    breaks: "the queen is never asked to commit, nor where she stands",
    file: LANE,
    original: "    this.#idle = clock.after(this.#sentAt + wait - clock.now(), () => {",
    mutated: "    this.#idle = clock.after(1e12, () => {",
  },
  {
    id: "no-fence",
    rule: "AGENT-10",
    breaks: "a zombie past its lease goes on sending",
    file: LANE,
    original: "return this.#outbox.isReady && this.#context.clock.now() - this.#answeredAt > FENCE_MS;",
    mutated: "return false;",
  },
  {
    id: "lane-never-gives-up",
    rule: "AGENT-13",
    breaks: "a lane that is refused for good is dialled again and again",
    file: LANE,
    original: 'if (!final) return "again";',
    mutated: 'if (!final || this.#asked !== "position") return "again";',
  },
  {
    id: "prelude-trusted",
    rule: "AGENT-22",
    breaks: "no lane is dialled when first words are not answered",
    file: PRELUDE,
    original: "if (said && endSent) this.#timer = this.#dialAfter(limits.prelude_answer_ms);",
    mutated: "if (said && endSent) return true;",
  },
  {
    id: "prelude-without-lane",
    rule: "AGENT-22",
    breaks: "a job that goes on after its first words gets no lane",
    file: PRELUDE,
    original: "    else this.#dial();\n    return true;",
    mutated: "    return true;",
  },
  {
    id: "line-not-redialled",
    rule: "AGENT-14",
    breaks: "a line that broke is not dialled again",
    file: KEPT_LINE,
    original: '    if (verdict === "now") this.#backoff.reset();\n    this.#reconcile();',
    mutated: '    if (verdict === "now") this.#backoff.reset();',
  },
  {
    id: "dial-without-end",
    rule: "AGENT-14",
    breaks: "a dial that is never answered is waited for for ever",
    file: KEPT_LINE,
    original:
      'this.#settling = options.clock.after(limits.connect_wait_ms, () => this.drop("the queen did not answer"));',
    mutated: "",
  },
  {
    id: "clock-not-corrected",
    rule: "AGENT-15",
    breaks: "a machine whose clock is off is refused for good",
    file: CONTROL,
    original:
      "if (status === 401 && queen_time !== undefined && this.#clock.correct(this.#context.clock.wall(), queen_time)) {",
    mutated: "if (status === 402 && queen_time !== undefined) {",
  },
  {
    id: "held-jobs-not-told",
    rule: "AGENT-4",
    breaks: "a hive does not tell which jobs it holds",
    file: CONTROL,
    original: "inventory, jobs: this.#context.held() });",
    mutated: "inventory, jobs: [] });",
  },
];
