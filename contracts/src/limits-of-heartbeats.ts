/** Bounds of watching a fleet: part of `limits`. */
export const heartbeatLimits = {
  /** Watchers of one fleet: each is told what changed, at most this often; asks anew at each keep-alive. */
  watchers_max: 100,
  heartbeat_settle_ms: 250,
  /** A hive's local server looks at itself so often for somebody who watches. */
  heartbeat_look_ms: 500,
  /** Jobs that a watcher sees: a screenful. */
  heartbeat_jobs_max: 50,
} as const;
