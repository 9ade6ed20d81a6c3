import { limits } from "@rbee/contracts";

/** Where a queued job stands, and why it waits. */
interface Word {
  readonly position: number;
  readonly reason: string;
}

/** Where a job that moves up is told so: each word costs its object two rows. In between it stands nearer than it was told. */
const toldPositions: ReadonlySet<number> = new Set([1, 2, 3, 4, 8, limits.queue_watch_max]);

/** What queued jobs were last told. Only saves repeats: a job ignores what it knows. */
export class Told {
  readonly #words = new Map<string, Word>();

  note(job_id: string, word: Word): void {
    this.#words.set(job_id, word);
  }

  forget(job_id: string): void {
    this.#words.delete(job_id);
  }

  isNews(job_id: string, { position, reason }: Word): boolean {
    const known = this.#words.get(job_id);
    if (known?.reason !== reason || position > known.position) return true;
    return position < known.position && toldPositions.has(position);
  }
}
