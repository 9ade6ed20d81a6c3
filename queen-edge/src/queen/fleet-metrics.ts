import { limits, priorities, type ActiveWorker, type Priority } from "@rbee/contracts";
import { bucketBounds, OTHERS, type Histogram } from "./counters.ts";
import { histogramSamples, type Family, type Sample } from "./prometheus.ts";
import type { Registry } from "./registry.ts";

/** The whole fleet in figures. Labels have few values: no job, key or worker has a series of its own. */
export function fleetMetrics(registry: Registry, now: number): Family[] {
  return [...queueMetrics(registry, now), ...machineMetrics(registry, now), ...jobMetrics(registry)];
}

function queueMetrics(registry: Registry, now: number): Family[] {
  const waiting: Record<Priority, number> = { high: 0, normal: 0, low: 0 };
  let oldest = now;
  for (const { want } of registry.line.all()) {
    waiting[want.priority ?? "normal"]++;
    oldest = Math.min(oldest, want.submitted_at);
  }
  const depth = priorities.map((priority) => ({ labels: { priority }, value: waiting[priority] }));
  return [
    gauge("rbee_queue_jobs", "Jobs that wait for a place.", depth),
    gauge("rbee_queue_oldest_seconds", "Age of the oldest job that waits.", [{ value: (now - oldest) / 1_000 }]),
    gauge("rbee_jobs_running", "Jobs that a hive has.", [{ value: registry.counts().running }]),
  ];
}

function machineMetrics(registry: Registry, now: number): Family[] {
  const hives = { connected: 0, draining: 0, away: 0 };
  for (const { connected, draining } of registry.fleet.all())
    hives[connected ? (draining ? "draining" : "connected") : "away"]++;
  const workers = registry.workers(now);
  const states = countBy(workers, ({ state }) => state);
  const ready = workers.filter(({ state }) => state === "ready");
  const models = new Set([...new Set(ready.map(({ model }) => model))].slice(0, limits.metrics_models_max));
  const modelOf = ({ model }: ActiveWorker): string => (models.has(model) ? model : OTHERS);
  const slots = sumBy(ready, modelOf, (worker) => worker.slots);
  const busy = sumBy(ready, modelOf, (worker) => worker.slots_busy);
  return [
    gauge("rbee_hives", "Hives by state.", samplesOf("state", Object.entries(hives))),
    gauge("rbee_workers", "Workers by state.", samplesOf("state", states)),
    gauge("rbee_slots", "Slots of the workers that are ready.", samplesOf("model", slots)),
    gauge("rbee_slots_busy", "Of these, slots that have a job.", samplesOf("model", busy)),
  ];
}

function jobMetrics({ accounts: { counters } }: Registry): Family[] {
  const kinds = ["prompt", "cached", "completion"] as const;
  const finished = Object.entries(counters.finished).map(([name, value]) => {
    const [operation = "", state = ""] = name.split(" ");
    return { labels: { operation, state }, value };
  });
  const tokens = Object.entries(counters.tokens).flatMap(([model, counts]) =>
    kinds.map((kind, i) => ({ labels: { model, kind }, value: counts[i] ?? 0 })),
  );
  const only = (value: number) => [{ value }];
  return [
    counter("rbee_jobs_finished_total", "Jobs that are over.", finished),
    counter("rbee_errors_total", "Jobs that failed, by code.", samplesOf("code", Object.entries(counters.errors))),
    counter(
      "rbee_refusals_total",
      "Requests that were refused before there was a job; the newest ones are lost when the queen restarts.",
      samplesOf("code", Object.entries(counters.refused)),
    ),
    counter(
      "rbee_placements_total",
      "Where ended jobs had their last place.",
      samplesOf("reason", Object.entries(counters.placed)),
    ),
    counter(
      "rbee_redispatches_total",
      "Times that an ended job was given to another hive.",
      only(counters.redispatched),
    ),
    counter(
      "rbee_tokens_total",
      "Tokens, whose rate is tokens per second; cached ones are part of the prompt.",
      tokens,
    ),
    counter("rbee_model_loads_total", "Workers that came.", only(counters.loads)),
    counter("rbee_model_unloads_total", "Workers that went: evicted, stopped or dead.", only(counters.unloads)),
    counter(
      "rbee_worker_stops_total",
      "Workers that their hive stopped of its own accord: idle for their time, or evicted for another model's memory.",
      samplesOf("reason", [
        ["idle", counters.stops.idle],
        ["evicted", counters.stops.memory],
      ]),
    ),
    histogram("rbee_queue_wait_seconds", "From submission to the last place.", counters.wait_s),
    histogram("rbee_ttft_seconds", "From submission to the first token, loading included.", counters.ttft_s),
    histogram("rbee_job_duration_seconds", "From submission to the end.", counters.duration_s),
  ];
}

const gauge = (name: string, help: string, samples: readonly Sample[]): Family => ({
  name,
  help,
  type: "gauge",
  samples,
});

const counter = (name: string, help: string, samples: readonly Sample[]): Family => ({
  name,
  help,
  type: "counter",
  samples,
});

const histogram = (name: string, help: string, observed: Histogram): Family => ({
  name,
  help,
  type: "histogram",
  samples: histogramSamples(observed, bucketBounds),
});

const samplesOf = (label: string, entries: Iterable<[string, number]>): Sample[] =>
  [...entries].map(([name, value]) => ({ labels: { [label]: name }, value }));

const countBy = (workers: readonly ActiveWorker[], nameOf: (worker: ActiveWorker) => string): Map<string, number> =>
  sumBy(workers, nameOf, () => 1);

function sumBy(
  workers: readonly ActiveWorker[],
  nameOf: (worker: ActiveWorker) => string,
  valueOf: (worker: ActiveWorker) => number,
): Map<string, number> {
  const sums = new Map<string, number>();
  for (const worker of workers) sums.set(nameOf(worker), (sums.get(nameOf(worker)) ?? 0) + valueOf(worker));
  return sums;
}
