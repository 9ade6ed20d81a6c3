/** Bounds of loading models, and of keeping them loaded. */
export const loadLimits = {
  /** Loading a model: a base and then time by size, since disks are slow and models are large. */
  load_base_ms: 60_000,
  load_ms_per_gib: 20_000,
  /** Beyond that it may go on for as long as it gets on within this. */
  load_stall_ms: 60_000,
  /** A model that a request loaded stays so long when nobody uses it; and the most that may be asked for: a timer's 24 days. */
  keep_alive_s_default: 600,
  keep_alive_s_max: 2_073_600,
  /** Whoever had a model loaded has this long to begin, however little it is to stay. */
  first_use_ms: 30_000,
  /** An idle worker whose engine still runs something is looked at again after this. */
  idle_check_ms: 1_000,
  /** A request whose model has no room waits on the hive for busy models to end; then another hive may have room. */
  room_wait_ms: 60_000,
  /** A job that a hive handed back because everything is busy asks for a place again after this: it may be the same hive. */
  busy_pause_ms: 2_000,
  /** Times that this costs a job nothing: at least half an hour. After that something is wrong, and each counts as a dispatch. */
  busy_rounds_max: 1_000,
} as const;
