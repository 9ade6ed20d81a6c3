import type { Mutant } from "./mutants.ts";

const READERS = "queen-edge/src/durable/readers.ts";
const READING = "job-core/src/reading.ts";

export const readersMutants: readonly Mutant[] = [
  {
    id: "reader-sees-twice",
    rule: "READ-1",
    breaks: "a reader gets events that it has had",
    file: READING,
    original: "const fresh = entries.filter((entry) => isAfter(entry.position, sent));",
    mutated: "const fresh = entries.filter((entry) => isAfter(entry.position, sent) || entry.position.seq > 0);",
  },
  {
    id: "reader-position-kept-in-part",
    rule: "READ-1",
    breaks: "what a reader was sent live is not noted",
    file: READING,
    original: "const shown = { ...reading, sent: last.position, unconfirmed: unconfirmed + text.length };",
    mutated: "const shown = { ...reading, unconfirmed: unconfirmed + text.length };",
  },
  {
    id: "reader-left-behind",
    rule: "READ-6",
    breaks: "a reader that fell behind is not sent the rest",
    file: READERS,
    original: "if (reader.behind) this.#sendFromLog(ws, job, { ...reader, unconfirmed });\n    else",
    mutated: "",
  },
  {
    id: "reader-not-told-the-end",
    rule: "READ-3",
    breaks: "a reader that comes after the end is not told that there is nothing more",
    file: READING,
    original: "if (done && !told.endsWith(DONE)) write(DONE);",
    mutated: "",
  },
  {
    id: "late-reader-misses",
    rule: "READ-2",
    breaks: "who comes late is shown what comes from then on",
    file: READERS,
    original: "      sent: after,",
    mutated: "      sent: job.log.end,",
  },
  {
    id: "return-not-refused",
    rule: "READ-4",
    breaks: "who has read everything is let in again and again",
    file: READERS,
    original: 'if (allRead && searchParams.has("resume"))',
    mutated: 'if (allRead && searchParams.has("never"))',
  },
  {
    id: "ahead-not-told",
    rule: "READ-5",
    breaks: "who asks for more than there will be waits for ever",
    file: READING,
    original: "const done = isEndOfJob(last.event);",
    mutated: "const done = last.position.term < 0;",
  },
  {
    id: "window-ignored",
    rule: "READ-6",
    breaks: "a reader is sent more than it has room for",
    file: READING,
    original: "if (unconfirmed >= window)",
    mutated: "if (window < 0)",
  },
  {
    id: "any-close-cancels",
    rule: "READ-7",
    breaks: "a reader whose connection breaks cancels the job",
    file: READERS,
    original: "if (code !== readerCloses.left.code || !this.#isReader(ws))",
    mutated: "if (!this.#isReader(ws))",
  },
];
