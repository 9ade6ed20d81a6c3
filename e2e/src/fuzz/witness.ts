import { Swarm, MODEL, textOf } from "../swarm.ts";
import type { House } from "../house.ts";

const EVERY_MS = 10;
const HIVE = "witness";
/** Longer than any run. */
const TOKENS = 32_768;

/** What the runtime notes about itself: an alarm that was set anew just as it was due is run once, at the new time. */
const OF_THE_RUNTIME = /^NOSENTRY SQLite alarm handler canceled/;

/** A hive and a job that have nothing to do with what is thrown about, and must not notice. */
export class Witness {
  readonly #house: House;
  readonly #swarm = new Swarm(EVERY_MS);
  readonly #away = new AbortController();
  #stderrSeen = 0;
  #text = "";
  #tokens = 0;
  #reading: Promise<void> = Promise.resolve();
  #broken: unknown;
  #jobId = "";

  constructor(house: House) {
    this.#house = house;
  }

  async start(): Promise<void> {
    await this.#swarm.join(this.#house, HIVE);
    await this.#swarm.connected(1);
    const job = await this.#house.client().start("infer", {
      model: MODEL,
      prompt: "count",
      max_tokens: TOKENS,
      hive_id: HIVE,
    });
    this.#jobId = job.id;
    this.#reading = (async () => {
      for await (const { event } of job.events({ signal: this.#away.signal })) {
        if (event.type !== "token") continue;
        this.#tokens += 1;
        this.#text += event.text;
      }
    })().catch((error: unknown) => {
      if (!this.#away.signal.aborted) this.#broken = error;
    });
  }

  /** Tokens it has seen, each in its place. */
  get tokens(): number {
    return this.#tokens;
  }

  /** @throws when anything of it, or of the queen, took harm */
  check(): void {
    const { queenStderr } = this.#house;
    const end = queenStderr.lastIndexOf("\n") + 1;
    const said = queenStderr.slice(this.#stderrSeen, end).split("\n");
    this.#stderrSeen = end;
    const complaints = said.filter((line) => line !== "" && !OF_THE_RUNTIME.test(line));
    if (complaints.length > 0) throw new Error(`the queen complained: ${complaints.join("\n").slice(0, 2_000)}`);
    if (this.#broken !== undefined) throw new Error("the witness job's stream broke", { cause: this.#broken });
    const dials = this.#swarm.dials.filter(({ what }) => what === "control").length;
    if (dials !== 1) throw new Error(`the witness hive was disturbed: it dialled ${dials} times`);
    const lanes = this.#swarm.dials.length - dials;
    if (lanes !== 1) throw new Error(`the witness job was disturbed: its lane was dialled ${lanes} times`);
  }

  /** @throws when a byte of the witness job is not as it should be, or it does not go on */
  async finish(): Promise<void> {
    const before = this.#tokens;
    while (this.#tokens === before && this.#broken === undefined)
      await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
    this.check();
    this.#away.abort();
    await this.#reading;
    if (this.#text !== textOf(this.#tokens)) throw new Error("the witness job's text is not as it was made");
    await this.#house.client().cancel(this.#jobId);
  }

  close(): void {
    this.#away.abort();
    this.#swarm.close();
  }
}
