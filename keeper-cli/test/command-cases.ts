import type { operations } from "@rbee/contracts";

/** Every command about an operation: what it asks for, and how an answer reads. */

const GIB = 2 ** 30;
const started = { worker_id: "worker-attic-9100", port: 9_100, pid: 42, status: "ready" };
export const installed = { worker_type: "cpu-llm-worker", version: "3.0.0", path: "/engines/cpu", size_bytes: 2 * GIB };
const limits = { requests_per_minute: 60, tokens_per_day: 100_000, concurrent: 2 };
const apiKey = { key_id: "grafana-k3v9qa", name: "grafana", scope: "infer", created_at: Date.now() };
const device = { id: "cuda:0", kind: "cuda", name: "A GPU", memory_total_bytes: 8 * GIB, memory_free_bytes: GIB };
const found = {
  id: "org/model",
  url: "https://huggingface.co/org/model",
  quants: ["Q4_K_M", "Q8_0"],
  sizes: { Q4_K_M: 2 * GIB },
  downloads: 12_345,
  licence: "mit",
  gated: true,
  fits: ["attic"],
};
export const active = {
  worker_id: "worker-attic-9100",
  hive_id: "attic",
  model: "owl",
  device: "cuda:0",
  state: "draining",
  slots: 4,
  slots_busy: 1,
  kind: "llama",
  retired: "stop",
  tokens_per_s: 41.6,
  since: Date.now(),
};
const info = { kind: "llama", model: "owl", device: "cuda:0", state: "ready", slots: 1, context: 512 };
const running = { ...started, ...info, rss: GIB, cpu_pct: 12.4, vram_mb: 512 };
const details = { id: "owl", name: "owl.gguf", size_bytes: GIB, status: "partial", loaded: false, percent: 43.7 };
const memory = [{ device: "cuda:0", context: 4_096, bytes: 2 * GIB, fits: true }];
const offer = { worker_type: "cuda-llm-worker", version: "3.0.0", method: "download", installed: false };

interface Case {
  readonly args: string;
  readonly asks: keyof typeof operations;
  readonly input?: Record<string, unknown>;
  readonly answer: Record<string, unknown>;
  readonly reads: RegExp;
}

const hive = {
  hive_id: "attic",
  connected: true,
  last_seen: 1,
  enrolled_at: 1,
  devices: [device],
  models: [],
  jobs_running: 0,
  jobs_queued: 0,
};
const waiting = {
  job_id: `job_${"a".repeat(26)}`,
  operation: "infer",
  model: "owl",
  priority: "high",
  key: "laptop",
  position: 1,
  reason: "no free slot",
  submitted_at: Date.now(),
  eta_ms: 4_000,
};
const sums = {
  jobs: 7,
  failed: 1,
  cancelled: 2,
  prompt_tokens: 100,
  cached_tokens: 5,
  completion_tokens: 200,
  slot_ms: 60_000,
  units: 1_234,
};
const message = { message: "done so" };
export const cases: readonly Case[] = [
  {
    args: "models search owl --limit 3",
    asks: "model_search",
    input: { query: "owl", limit: 3 },
    answer: { models: [found] },
    reads: /org\/model +Q4_K_M 2\.0 GiB, Q8_0 +12\.3K +mit \(asks for consent\) +attic\n.*models pull org\/model/,
  },
  {
    args: "models pull org/model:Q8_0 --hive attic --revision main",
    asks: "model_download",
    input: { model: "org/model:Q8_0", hive_id: "attic", revision: "main" },
    answer: { model_id: "org/model:Q8_0", status: "ready", path: "/m.gguf", size_bytes: GIB, already_there: true },
    reads: /^org\/model:Q8_0 is there already: 1\.0 GiB, \/m\.gguf\n$/,
  },
  {
    args: "models list --hive attic",
    asks: "model_list",
    input: { hive_id: "attic" },
    answer: { models: [details], stale: true },
    reads: /owl +1\.0 GiB +partial, 43 %\n.*last said/,
  },
  {
    args: "models get owl",
    asks: "model_get",
    input: { id: "owl" },
    answer: { model: { ...details, memory } },
    reads: /memory +cuda:0: 2\.0 GiB with 4096 tokens of context, fits/,
  },
  {
    args: "models rm owl --force",
    asks: "model_delete",
    input: { id: "owl", force: true },
    answer: { ...message, freed_bytes: GIB },
    reads: /^done so \(1\.0 GiB freed\)\n$/,
  },
  {
    args: "models load owl --device cuda:0 --slots 2 --context-size 1024",
    asks: "model_load",
    input: { id: "owl", device: "cuda:0", slots: 2, context: 1_024 },
    answer: started,
    reads: /^worker-attic-9100 is ready: pid 42, port 9100\n$/,
  },
  { args: "models unload owl", asks: "model_unload", input: { id: "owl" }, answer: message, reads: /^done so\n$/ },
  {
    args: "models run org/model",
    asks: "model_run",
    input: { model: "org/model" },
    answer: { ...started, hive_id: "attic", device: "cuda:0" },
    reads: /^worker-attic-9100 is ready on cuda:0 of attic: pid 42, port 9100\n$/,
  },
  {
    args: "workers catalog attic",
    asks: "worker_catalog_list",
    input: { hive_id: "attic" },
    answer: { workers: [{ ...offer, installable: false, reason: "no such board" }] },
    reads: /cuda-llm-worker +3\.0\.0 +no +no such board/,
  },
  {
    args: "workers install cpu-llm-worker --hive attic",
    asks: "worker_download",
    input: { worker_type: "cpu-llm-worker", hive_id: "attic" },
    answer: installed,
    reads: /^cpu-llm-worker 3\.0\.0 is installed: 2\.0 GiB, \/engines\/cpu\n$/,
  },
  {
    args: "workers build llama-server --backend cuda --jobs 8",
    asks: "worker_build",
    input: { worker_type: "llama-server", options: { backend: "cuda", jobs: 8 } },
    answer: installed,
    reads: /is installed/,
  },
  {
    args: "workers installed attic",
    asks: "worker_binary_list",
    input: { hive_id: "attic" },
    answer: { workers: [{ ...installed, id: "x", bundled: true, in_use_by: ["worker-attic-9100"] }] },
    reads: /cpu-llm-worker +3\.0\.0 +2\.0 GiB +came with the agent +used by worker-attic-9100/,
  },
  {
    args: "workers uninstall cpu-llm-worker",
    asks: "worker_binary_delete",
    input: { worker_type: "cpu-llm-worker" },
    answer: message,
    reads: /^done so\n$/,
  },
  {
    args: "workers list",
    asks: "active_worker_list",
    answer: { workers: [active] },
    reads: /worker-attic-9100 +attic +owl +cuda:0 +draining \(retired\) +1 of 4 busy +llama +42 tokens\/s/,
  },
  {
    args: "workers get worker-attic-9100",
    asks: "active_worker_get",
    input: { worker_id: "worker-attic-9100" },
    answer: { worker: active },
    reads: /speed +42 tokens\/s lately\nsince +\S+ \S+ ago/,
  },
  {
    args: "workers ps attic",
    asks: "worker_process_list",
    input: { hive_id: "attic" },
    answer: { workers: [{ ...running, problem: "killed by signal 9" }] },
    reads: /42 +worker-attic-9100 +owl +cuda:0 +ready +llama +9100 +1\.0 GiB +12 % +512 MiB\n.*killed by signal 9/,
  },
  {
    args: "workers spawn owl --worker openai --server http://127.0.0.1:11434/v1",
    asks: "worker_spawn",
    input: { model: "owl", worker: "openai", url: "http://127.0.0.1:11434/v1" },
    answer: started,
    reads: /^worker-attic-9100 is ready/,
  },
  {
    args: "workers stop 42 --hive attic --drain-ms 0",
    asks: "worker_process_delete",
    input: { pid: 42, hive_id: "attic", drain_ms: 0 },
    answer: { ...message, pid: 42 },
    reads: /^done so\n$/,
  },
  {
    args: "workers retire worker-attic-9100 --keep",
    asks: "active_worker_retire",
    input: { worker_id: "worker-attic-9100", keep: true },
    answer: message,
    reads: /^done so\n$/,
  },
  {
    args: "hives refresh attic",
    asks: "hive_refresh_capabilities",
    input: { hive_id: "attic" },
    answer: { success: true, device_count: 1, devices: [{ ...device, driver: "550.1", compute_capability: "9.0" }] },
    reads: /cuda:0 +A GPU +1\.0 GiB of 8\.0 GiB +550\.1 +9\.0/,
  },
  {
    args: "queue --limit 9",
    asks: "queue_list",
    input: { limit: 9 },
    answer: { jobs: [waiting], queued: 4 },
    reads: /job_a{26} +1 +owl +\S+ \S+ +high +laptop +no free slot +about 4\.0 s\n3 jobs more/,
  },
  {
    args: "usage --by model --from 2026-11-01",
    asks: "usage_report",
    input: { by: "model", from: "2026-11-01" },
    answer: { by: "model", rows: [{ name: "owl", ...sums }], total: sums },
    reads: /owl +1,234 +7 +100 +200 +60 s +5 +1 +2\ntotal +1,234/,
  },
  {
    args: "embed --model minilm bees",
    asks: "embed",
    input: { model: "minilm", input: "bees" },
    answer: {
      embeddings: [[0.6, 0.8]],
      usage: { prompt_tokens: 1, total_tokens: 1 },
      model: "minilm",
      hive_id: "attic",
      worker_id: "worker-attic-9100",
    },
    reads: /^\[0\.6,0\.8\]\n$/,
  },
  {
    args: "hives list",
    asks: "hive_list",
    answer: { hives: [hive] },
    reads: /attic +connected +A GPU +1\.0 GiB of 8\.0 GiB/,
  },
  { args: "hives get attic", asks: "hive_get", input: { hive_id: "attic" }, answer: { hive }, reads: /hive +attic/ },
  {
    args: "hives status attic",
    asks: "hive_status",
    input: { hive_id: "attic" },
    answer: { hive_id: "attic", running: true, rtt_ms: 1.25, last_seen: 1 },
    reads: /attic is up, round trip 1\.3 ms/,
  },
  {
    args: "workers offer cuda-llm-worker --hive attic",
    asks: "worker_catalog_get",
    input: { worker_type: "cuda-llm-worker", hive_id: "attic" },
    answer: { worker: { ...offer, installable: true } },
    reads: /cuda-llm-worker +3\.0\.0 +download/,
  },
  {
    args: "workers engine cpu-llm-worker",
    asks: "worker_binary_get",
    input: { worker_type: "cpu-llm-worker" },
    answer: { worker: { ...installed, id: "x", bundled: true, in_use_by: ["worker-attic-9100"] } },
    reads: /size +2\.0 GiB\nat +\/engines\/cpu\ncame with +the agent\nused by +worker-attic-9100/,
  },
  {
    args: "workers process 42 --hive attic",
    asks: "worker_process_get",
    input: { pid: 42, hive_id: "attic" },
    answer: { worker: running },
    reads: /42 +worker-attic-9100 +owl/,
  },
  {
    args: "keys create grafana --expires-in 86400 --requests-per-minute 60 --tokens-per-day 100000 --concurrent 2",
    asks: "key_create",
    input: { name: "grafana", expires_in: 86_400, limits },
    answer: { ...apiKey, expires_at: 4e12, limits, key: "rbk_x.y" },
    reads:
      /scope +infer\nexpires +in [\d,]+ .*\nlimits +requests-per-minute 60\n.*\n +concurrent 2\n\n {2}RBEE_API_KEY=rbk_x\.y\n\nIt is shown/,
  },
  {
    args: "keys list",
    asks: "key_list",
    answer: { keys: [{ ...apiKey, limits, today: { jobs: 7, tokens: 4321 } }] },
    reads:
      /key +scope +made +last used +jobs today +tokens today +limits\ngrafana-k3v9qa +infer +\S.* +never +7 +4321 +requests-per-minute 60, tokens-per-day 100000, concurrent 2/,
  },
  {
    args: "keys revoke grafana-k3v9qa",
    asks: "key_revoke",
    input: { key_id: "grafana-k3v9qa" },
    answer: message,
    reads: /done so/,
  },
];
