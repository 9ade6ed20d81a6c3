/** Bounds of the APIs that others defined; part of `limits`. */
export const apiLimits = {
  /** APIs that others defined: headers wait so long for the first words of an engine that works, so that a quick failure has its own status. */
  api_headers_ms: 1_000,
  /** And in all so long while nothing runs yet: in a queue, or while a model loads. */
  api_headers_wait_ms: 10_000,
  /** Between two keep-alives there: a client that left is noticed by the next write, and its engine stops within 2 s. */
  api_keepalive_ms: 500,
  /** While nothing runs there is nothing to stop: a keep-alive every so many of these is enough for proxies. */
  api_keepalive_beats: 20,
  /** A client that named its request may come back for the answer; then its job is cancelled. */
  api_grace_ms: 10_000,
  /** The longest pause that their clients make before they try again; of a longer one they make a short one. */
  api_retry_after_ms_max: 60_000,
  /** Answers to one prompt, and prompts of one completion: each is a job. */
  api_choices_max: 16,
  /** Earlier responses that one request may take items from by their names: each is a question to a job. */
  api_references_max: 32,
  /** Texts of one embed job made by an API: vectors of 4,096 numbers still fit into one frame. And how many run at a time. */
  api_embed_inputs: 32,
  api_embed_jobs: 4,
  /**
   * Where a key may have no more jobs now, such a request asks for its next one again: after a pause that the end of the one
   * before outruns, or when the key's next minute begins. Waiting longer than that helps nobody.
   */
  api_next_job_pause_ms: 500,
  api_next_job_wait_ms: 90_000,
} as const;
