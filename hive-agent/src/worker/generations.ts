import { limits, problemOf, RbeeError, type Piece, type Problem } from "@rbee/contracts";
import type { Engine, GenerationWork, LastFrame } from "./protocol.ts";

/** What to do when nobody has read a generation for so long that nobody will. */
interface Orphan {
  readonly afterMs: number;
  readonly onUnread: () => void;
}

/** One generation: all its frames, whoever reads them, and how it ended. */
export class GenerationRun {
  /** Piece of frame n at n-1. Bounded by the generation's max_tokens. */
  readonly texts: Piece[] = [];
  last: LastFrame | undefined;
  /** Whether it waits no more for a slot. */
  begun = false;
  readonly #wake = new Set<() => void>();
  readonly #abort = new AbortController();
  readonly #orphan: Orphan;
  #orphaned: NodeJS.Timeout | undefined;
  /** Frames that the reader has used, once it has said so. */
  #taken: number | undefined;
  #room: PromiseWithResolvers<void> | undefined;

  constructor(orphan: Orphan) {
    this.#orphan = orphan;
    this.#startOrphanTimer();
  }

  /** Runs to its end; never throws, since the end is a frame too. */
  async run(engine: Engine, work: GenerationWork): Promise<void> {
    const emit = (piece: Piece) => {
      this.texts.push(piece);
      this.#wakeReaders();
    };
    const ahead = () => this.#ahead();
    const sink = {
      signal: this.#abort.signal,
      emit,
      begun: () => (this.begun = true),
      get room() {
        return ahead();
      },
    };
    try {
      const end = await engine.generate(work, sink);
      this.#finish({ n: this.texts.length + 1, end });
    } catch (error) {
      this.#finish({ n: this.texts.length + 1, error: problemOfFailure(error) });
    }
  }

  cancel(): void {
    clearTimeout(this.#orphaned);
    this.#abort.abort(new RbeeError("cancelled"));
    this.#makeRoom();
  }

  /** `wake` is called when there is more to read, until the returned function is called. */
  attach(wake: () => void): () => void {
    clearTimeout(this.#orphaned);
    this.#wake.add(wake);
    return () => {
      this.#wake.delete(wake);
      // Nobody holds it up any more; whoever comes back finds what was made meanwhile.
      this.#taken = undefined;
      this.#makeRoom();
      if (this.#wake.size === 0 && !this.#abort.signal.aborted) this.#startOrphanTimer();
    };
  }

  /** Its reader has used the frames up to `n`. */
  taken(n: number): void {
    this.#taken = Math.max(this.#taken ?? 0, n);
    this.#makeRoom();
  }

  #ahead(): Promise<void> | undefined {
    if (this.#taken === undefined || this.texts.length - this.#taken < limits.worker_ahead_frames_max) return undefined;
    this.#room ??= Promise.withResolvers();
    return this.#room.promise;
  }

  #makeRoom(): void {
    this.#room?.resolve();
    this.#room = undefined;
  }

  #startOrphanTimer(): void {
    clearTimeout(this.#orphaned);
    this.#orphaned = setTimeout(this.#orphan.onUnread, this.#orphan.afterMs);
  }

  #finish(frame: LastFrame): void {
    this.last = frame;
    this.#wakeReaders();
  }

  #wakeReaders(): void {
    for (const wake of this.#wake) wake();
  }
}

/** The generations this worker knows: running, waiting, or ended and kept for a reader to come back. */
export class Generations {
  readonly #engine: Engine;
  readonly #orphanMs: number;
  readonly #runs = new Map<string, GenerationRun>();

  constructor(engine: Engine, orphanMs: number) {
    this.#engine = engine;
    this.#orphanMs = orphanMs;
  }

  /** Starts it, or finds it when the id is known: an id never generates twice. @throws RbeeError worker_busy */
  start(id: string, work: GenerationWork): GenerationRun {
    const known = this.#runs.get(id);
    if (known !== undefined) return known;
    this.#makeRoom();
    const run = new GenerationRun({ afterMs: this.#orphanMs, onUnread: () => this.remove(id) });
    this.#runs.set(id, run);
    void run.run(this.#engine, work);
    return run;
  }

  find(id: string): GenerationRun | undefined {
    return this.#runs.get(id);
  }

  remove(id: string): void {
    this.#runs.get(id)?.cancel();
    this.#runs.delete(id);
  }

  /** Takes back what has not begun. @returns whether it is not, or not any more, here */
  withdraw(id: string): boolean {
    const run = this.#runs.get(id);
    if (run?.begun === true || run?.last !== undefined) return false;
    this.remove(id);
    return true;
  }

  #makeRoom(): void {
    if (this.#runs.size < limits.worker_generations_max) return;
    const ended = [...this.#runs].find(([, run]) => run.last !== undefined);
    if (ended === undefined) {
      throw new RbeeError("worker_busy", `${limits.worker_generations_max} requests are running or waiting already`);
    }
    this.remove(ended[0]);
  }
}

/** The agent passes `detail` on, so it says what the engine said; that never contains prompt text. */
function problemOfFailure(error: unknown): Problem {
  if (error instanceof RbeeError) return error.toProblem();
  const said = error instanceof Error ? error.message : String(error);
  process.stderr.write(`generation failed: ${error instanceof Error ? (error.stack ?? said) : said}\n`);
  return problemOf("internal", `the engine failed: ${said.slice(0, 512)}`);
}
