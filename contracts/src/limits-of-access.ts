/** Bounds of who may do what; part of `limits`. */
export const accessLimits = {
  /** API keys of one colony: each program and person has one, and a list of them is one answer. */
  keys_max: 500,
  /** A key that expires later than this should rather be one that is revoked. */
  key_ms_max: 315_360_000_000,
  /** What a Worker was told of a key counts so long: within this time a revoked one is refused everywhere. */
  key_known_ms: 1_000,
  /** Keys that one Worker knows at a time. */
  keys_known_max: 1_000,
  /**
   * Who watches, or reads an open job, with a key that is worthless is cut off at once, and once more so much later: by
   * then no Worker takes the key any more, and what one of them let in has arrived. Where that fails, so often again.
   */
  key_cut_off_ms: 2_000,
  /** A job that cannot be told of a key's end for a minute ends its streams with itself. */
  key_cut_off_tries: 30,
  /** Jobs that are told of a key's end at once. */
  key_cut_off_jobs: 100,
  /** Jobs a minute of a key that has such a limit: at a wake they are counted from the newest lines of the history. */
  key_requests_per_minute_max: 2_000,
  /** Tokens a day of a key that has such a limit: more than a room full of GPUs makes. */
  key_tokens_per_day_max: 1_000_000_000_000,
  /** Of a key in use, the moment is written this often. */
  key_used_ms: 3_600_000,
  /** A result that is a secret stays in its job's log for a line that broke, and no longer. */
  secret_retention_ms: 60_000,
  /** Join tokens are for pasting into one terminal, now. */
  join_token_ms_max: 3_600_000,
  /** How far a hive's clock may be off when it signs a connect request. The 401 carries the queen's time. */
  signature_skew_ms: 300_000,
} as const;
