import { accessLimits } from "./limits-of-access.ts";
import { apiLimits } from "./limits-of-apis.ts";
import { heartbeatLimits } from "./limits-of-heartbeats.ts";
import { loadLimits } from "./limits-of-loads.ts";

/**
 * Every bound of the system, each with its reason. Sizes in bytes, times in milliseconds, the unit last in the name.
 * A queue, buffer, retry or wait that is not named here does not exist.
 */
export const limits = {
  ...accessLimits,
  ...apiLimits,
  ...heartbeatLimits,
  ...loadLimits,
  /** A request body. Long prompts fit; an image or a file belongs elsewhere. */
  body_bytes_max: 1_048_576,
  /** What a client may call its request, so that a retry meets its own job: a UUID or two. */
  idempotency_key_chars_max: 255,
  /** Jobs that one `GET /v1/jobs` lists. */
  jobs_listed_max: 200,
  /** Jobs of one look at the queue: the place of each is worked out for it. */
  queue_list_max: 1_000,
  /** Nesting of a JSON body: deeper input only serves to exhaust a parser. */
  json_depth_max: 32,
  /** One link frame. Holds the largest body with its envelope, and stays under the 2 MB of a Durable Object row. */
  frame_bytes_max: 1_572_864,
  /** `max_tokens` of one inference: bounds a job's log and its result, which repeats the text. */
  tokens_per_job_max: 32_768,
  /** Messages of one chat. */
  messages_max: 2_000,
  /** Stop strings of one inference, and the length of each: both are compared on every token. */
  stop_strings_max: 16,
  stop_string_chars_max: 256,
  /** A JSON schema for structured output: grammars grow much faster than their source. */
  json_schema_bytes_max: 65_536,
  /** Tools one request may offer: what other APIs allow; and calls in one answer, which end it when a model cannot stop. */
  tools_max: 128,
  tool_calls_max: 128,
  tool_call_id_chars_max: 64,
  /** Alternatives told for each token; and tokens told of at once: text that is held back has no more of them. */
  logprobs_max: 20,
  logprobs_per_event_max: 4_096,
  /** Texts of one embed job, and the length of each: a model's context is far smaller. */
  embed_inputs_max: 2_048,
  embed_chars_max: 262_144,

  /** Control pings are answered by the runtime and wake nothing, so they cost nothing. */
  control_ping_ms: 30_000,
  /** A control socket that was silent this long is not trusted with new work (two pings missed, and some). */
  control_stale_ms: 75_000,
  /** The agent's own check for a half-open socket: protocol ping, then this long for the pong. */
  link_ping_ms: 15_000,
  link_pong_ms: 10_000,
  /** Pings of a lane renew the lease at no cost. */
  lane_ping_ms: 10_000,
  /** A job whose hive is silent this long is lost. Three lane pings. */
  lease_ms: 30_000,
  /** A lane that broke may be back at once; after this readers are told that the hive is away. */
  away_notice_ms: 1_500,
  /** A job that may continue elsewhere waits no longer than this for a lane that broke. */
  failover_ms: 5_000,
  /** An alarm this late tells that the queen slept or her clock jumped: what did not come meanwhile proves nothing. */
  alarm_late_ms: 5_000,
  /** An operation that was sent and not taken up by then went down a dead line: that is closed, and the job placed anew. */
  take_up_ms: 8_000,
  /** Times a job may be given to a hive before it fails: each one costs somebody's GPU. */
  dispatches_max: 5,
  /** After a cancel the hive has this long to stop; then the queen ends the job without it. */
  cancel_grace_ms: 10_000,

  /**
   * Reconnect of a hive: windowed full jitter between these, back to the first after a stable while. A deploy cuts a whole
   * fleet at once; over the first window `hives_max` come back as 250 a second, which one registry object can write.
   */
  reconnect_min_ms: 2_000,
  reconnect_max_ms: 15_000,
  reconnect_stable_ms: 30_000,
  /** A lane is dialled more eagerly: a reader waits, and its job's object is nobody else's. */
  lane_reconnect_min_ms: 250,
  lane_reconnect_max_ms: 1_500,
  /** From dialling until the queen has said welcome (control) or ready (lane). */
  connect_wait_ms: 15_000,
  /** Changes of a hive's inventory within this time are told as one. */
  inventory_settle_ms: 50,
  /** How often a hive looks for models that came or went on its disk. */
  models_scan_ms: 60_000,
  /**
   * An agent that was told to stop lets running jobs end for this long, then gives them back. Most answers are done by then;
   * service managers kill after 90 s. `rbee up` grants less, since a person waits.
   */
  drain_ms: 30_000,
  drain_ms_max: 3_600_000,

  /** Frames that go as one message. */
  bundle_frames_max: 64,
  bundle_bytes_max: 262_144,
  /** A lane is dialled this long after its job began, unless the job's first words went on the control socket before. */
  prelude_wait_ms: 100,
  /** A whole job that was said there is said again on a lane when no answer came by then. */
  prelude_answer_ms: 1_000,
  /** Un-acked events on one lane: several commits' worth. Beyond it the hive stops sending until an ack comes. */
  lane_window_events: 1_024,
  lane_window_bytes: 262_144,
  /** Events gathered into one frame: at least this long with few lanes, up to the second with many. */
  coalesce_min_ms: 10,
  coalesce_max_ms: 100,
  frame_events_max: 512,
  /** The queen commits a row at this many events or bytes; the hive asks for a commit after this idle time. */
  commit_events: 100,
  commit_bytes: 32_768,
  commit_idle_ms: 1_000,
  /** Un-acked events the hive keeps on disk per job; over it the engine waits. */
  journal_bytes_per_job_max: 8_388_608,
  /**
   * An engine waits when the queen has acknowledged nothing for so long: two leases, after which she has given the job away
   * unless she was away herself.
   */
  unacked_age_ms_max: 60_000,
  /** Jobs one hive holds at a time, in its journal and in its hello. More are given back. */
  jobs_per_hive_max: 1_000,
  /** The journal goes to the disk itself at most this often: this much may be lost with the power, nothing with the process. */
  journal_sync_ms: 100,
  /** A journal that could not be written (disk full) is tried again after this. */
  journal_retry_ms: 1_000,

  /** Server-sent events: a comment this often keeps proxies from cutting a silent stream. */
  sse_keepalive_ms: 15_000,
  sse_retry_ms: 2_000,
  /** Characters sent to a reader ahead of what its client has taken: enough for any line, little for a thousand readers. */
  reader_window_chars: 131_072,
  /** A reader confirms what it took in steps of this: each one wakes the job's object. */
  reader_confirm_chars: 32_768,
  /** What is held for a client of a source that does not wait for it; beyond this it is cut off, and resumes from the log. */
  reader_buffer_bytes_max: 4_194_304,
  /** A client that takes nothing at all for so long, while there is something to take, is cut off; it may resume from the log. */
  reader_stall_ms: 120_000,
  /** Readers of one job. */
  readers_per_job_max: 1_000,

  /** Open jobs of one colony: queued and running. */
  open_jobs_max: 10_000,
  /** Open jobs of one key: no script takes every place. */
  open_jobs_per_key_max: 5_000,
  /** The longest wait for a place that a request may name: a week. */
  queue_wait_ms_max: 604_800_000,
  /** What a client calls its session. Only a hash of it is kept. */
  session_chars_max: 256,
  /** Conversations whose worker the queen remembers; as many of the newest ended jobs are read for that at a wake. */
  conversations_max: 2_000,
  /** Boundaries of a chat, from its end, at which an earlier turn may have stopped. */
  conversation_turns_looked_up: 4,
  /** Models whose jobs' times, or whose places, the queen has at hand: a client may name any. */
  models_remembered_max: 1_000,
  /** Names that a refusal lists of those there are. */
  names_listed_max: 20,
  /** A wait is foretold only from so many jobs of the model that ended lately. */
  eta_jobs_min: 8,
  /** Jobs' worth of service that a key may catch up on when what it waited for comes back. */
  fair_credit_jobs: 32,
  /** Keys whose use of the slots is remembered while they ask for nothing. */
  fair_keys_idle_max: 1_000,
  /** Ended jobs between two writings of the accounts; at a wake those since the last one are added up again. */
  accounts_every_jobs: 64,
  /** Rows of usage, one for each hour (later day), key, model and hive; beyond it the oldest go. */
  usage_rows_max: 50_000,
  /** Usage by the hour is kept for so many days, then by the day for so many. */
  usage_hourly_days: 8,
  usage_daily_days: 400,
  /** Models that have figures of their own in /metrics; the others share one. */
  metrics_models_max: 100,
  /** Queued jobs that are told their position when it changes: only those near the front. */
  queue_watch_max: 16,
  /** A log is kept this long after its job ended. */
  job_retention_ms: 3_600_000,
  /** Ended jobs that the colony still lists. */
  finished_jobs_max: 10_000,
  /** Hives of one colony: one registry object holds them all. */
  hives_max: 500,
  /** A stored `connected` flag is checked against the socket when it is older than this. */
  presence_check_ms: 30_000,
  /** Workers of a hive that went away are shown as unreachable this long: a restart, or a line that was down for a while. */
  worker_unreachable_ms: 600_000,
  /** A retired worker that is still there is asked to stop again after this. */
  worker_retire_retry_ms: 30_000,
  /** The registry asks a job whether it still holds its place this often, while any job is open. */
  audit_ms: 60_000,

  /** Generation slots of a worker unless asked otherwise. */
  slots_default: 4,
  slots_max: 64,
  /** A hive's local server, loopback only. */
  local_port: 7_835,
  /** Worker HTTP ports, loopback only. */
  worker_port_min: 9_100,
  worker_port_max: 9_199,
  /** A worker that was told to stop gets this long before it is killed. */
  stop_grace_ms: 2_000,
  /** A worker keeps a generation whose agent went away this long, for the next agent to take up. */
  worker_orphan_ms: 30_000,
  /** Lines of a dead worker's stderr that go into the error. */
  stderr_lines: 20,
  /** Context per slot unless asked otherwise: room for a conversation, without eating the memory of a second model. */
  context_default: 4_096,
  /** Generations a worker knows at once: running, waiting for a slot, and ended but kept for a re-attach. */
  worker_generations_max: 256,
  /** Frames an engine may make ahead of an agent that reads none; one that reads says so in steps of so many. */
  worker_ahead_frames_max: 4_096,
  worker_taken_frames: 1_024,
  /** Frames that come faster than this share one write; the first goes out at once. */
  worker_flush_ms: 10,
  /** Prompts are evaluated in steps of about this long, so that a cancel is seen between two of them. */
  prompt_step_ms: 200,
  /** A worker that starts is asked this often whether it is ready. */
  health_poll_ms: 50,
  /** Workers that outlived their agent send no exit event: they are asked this often. Well under worker_orphan_ms. */
  worker_poll_ms: 5_000,
  /** One control request to a worker (health, cancel): it is on the same machine. */
  worker_request_ms: 2_000,
  /** A worker's log on disk: enough for what an engine says when it dies. */
  worker_log_bytes_max: 1_048_576,
  /** Requests of a worker that is to go may run on for this long: longer than the longest answer anyone waits for. */
  worker_drain_ms: 600_000,
  /** A worker that is stopped by hand lets its requests end for this long, then they fail. */
  worker_delete_drain_ms: 5_000,
  /** A worker that dies is started again this often, first after the first wait, each time after twice as long. */
  worker_restarts_max: 5,
  worker_restart_min_ms: 250,
  worker_restart_max_ms: 10_000,
  /** One that ran this long was sound: its earlier deaths are forgotten. */
  worker_stable_ms: 60_000,
  /** One that is given up is shown, with its last words, for this long. */
  worker_dead_kept_ms: 600_000,
  /** A server that a worker passes requests to says nothing for this long: a long prompt on a slow machine. */
  server_silence_ms: 300_000,
  /** One event of such a server's stream: far over any that a sound one sends. */
  server_event_bytes_max: 1_048_576,
  /** A whole answer of such a server: vectors of all texts of one job. */
  server_answer_bytes_max: 67_108_864,
  /** Missed health checks, worker_poll_ms apart, after which a server that a worker is attached to is gone. */
  server_misses_max: 3,
  /** Engine packages: asking the registry, a stall of a download, and its tries, each of which goes on where the last broke off. */
  registry_wait_ms: 15_000,
  registry_stall_ms: 30_000,
  registry_tries_max: 5,
  /** The largest engine package is under half a gigabyte, and four times as large unpacked. */
  engine_bytes_max: 2_147_483_648,
  engine_files_max: 2_000,
  /** One line of a compiler's output; the rest of a longer one is cut. */
  build_line_chars_max: 1_000,
  /** Lines of a failed build that go into its error. */
  build_lines_kept: 40,
  /** A whole build: minutes for a CPU, an hour or two for CUDA on a small machine. */
  build_ms_max: 14_400_000,
  /** Self-test: an engine that starts in a process of its own; a cold disk takes a while. */
  check_engine_ms: 30_000,
  /** Self-test: clocks further apart than this confuse people; what breaks is signature_skew_ms. */
  check_clock_ms: 5_000,
  /** Asking a driver which devices there are. */
  device_probe_ms: 5_000,
  /** Model files that a hive lists, and how deep in its folders it looks for them. */
  models_max: 1_000,
  model_folder_depth_max: 4,

  /** What a person writes to name a model to fetch. */
  model_source_chars_max: 2_048,
  /** Connections of one download: one seldom fills a line, many are rude. */
  download_connections: 4,
  /** Ranges that are fetched apart: enough to share among the connections, few enough to ask for each. */
  download_segment_bytes: 33_554_432,
  /** A connection that brings nothing for this long is given up, and another one made. */
  download_idle_ms: 30_000,
  /** Tries in a row that bring not a single byte, and the waits between them: about two minutes. */
  download_tries_max: 9,
  download_retry_min_ms: 500,
  download_retry_max_ms: 30_000,
  /** A server that asks for a longer pause than this is not waited for. */
  download_retry_after_ms_max: 300_000,
  /** Times a download begins anew because the file changed or what came was damaged. */
  download_restarts_max: 2,
  download_redirects_max: 5,
  /** Progress of a download is told this often. */
  download_progress_ms: 900,
  /** Left free on the disk: a full one stops more than a download. */
  download_headroom_bytes: 536_870_912,
  /** The largest file that is fetched; whole models are split into files of less. */
  download_bytes_max: 1_099_511_627_776,
  /** Answers of a hub's API: a list of some thousand files. */
  hub_answer_bytes_max: 16_777_216,
  hub_answer_ms: 15_000,
  /** Questions to a hub are tried again for a few seconds: somebody waits, and nothing is lost yet. */
  hub_tries_max: 5,
  hub_files_max: 10_000,
  /** Models of one search; each costs the queen a request of its own. */
  search_models_max: 20,
  /** Reading a model's header in a process of its own; a real one takes well under a second and some megabytes. */
  gguf_read_ms: 10_000,
  gguf_heap_mib: 512,
  /** Repetitions (minItems, maxLength, …) a JSON schema may ask for: the grammar grows with them. */
  json_schema_repeat_max: 1_000,
} as const;
