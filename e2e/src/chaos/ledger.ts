/** One thing a reader was sent: an event with its id, as it came. */
export interface Seen {
  readonly position: string;
  readonly data: string;
}

/** One reader of a job, as it is judged afterwards. */
export interface ReaderView {
  readonly name: string;
  readonly seen: readonly Seen[];
  /** Whether it read on until `[DONE]`. */
  readonly whole: boolean;
  /** What it must never see, in words. */
  readonly complaints: readonly string[];
}

/** What happened while the job ran that it may fail of. */
export type Excuse = "worker_killed" | "path_dead" | "hive_gone";

/** One submitted job and what is known of it. */
export interface JobRecord {
  readonly job_id: string;
  readonly operation: string;
  /** What the text must be; `undefined` for operations without any. */
  readonly expected: string | undefined;
  readonly cancelled: boolean;
  readonly excuses: ReadonlySet<Excuse>;
  readonly readers: readonly ReaderView[];
  /** The whole log, read from the start after the end. */
  readonly log: readonly Seen[];
  readonly state: string;
  readonly error_code: string | undefined;
}
