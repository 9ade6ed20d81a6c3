import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import os from "node:os";
import { styleText } from "node:util";
import type { Cpu } from "./cpu.ts";
import type { Percentiles } from "./stats.ts";
import type { Embedding } from "./embeddings.ts";
import type { Prefix } from "./prefix.ts";
import type { Ratio, Streams } from "./scenarios.ts";
import type { StalledReaders } from "./slow.ts";

export interface Figures {
  added_ttft_ms?: Percentiles & { direct_p50: number };
  added_token_ms?: { streams_1?: Percentiles; streams_32?: Percentiles; streams_128?: Percentiles };
  starved_streams?: Pick<Streams, "slowest_share" | "longest_gap_ms" | "starved"> & { streams: number };
  tokens_per_s?: number;
  jobs_per_s?: { c1?: number; c16?: number };
  agent_rss_mb?: number;
  stalled_readers?: StalledReaders;
  end_to_end_ratio?: number;
  end_to_end?: { long: Ratio; short: Ratio };
  second_turn?: Prefix;
  embedding?: Embedding;
  /** Simulated: how long requests wait for a slot, in seconds, by who chooses it. */
  placement_wait_s?: Record<"ours" | "two_choices" | "random" | "round_robin", Percentiles>;
  /** Processor time per job or token: tells what costs on a machine that is busy with other things too. */
  cpu_ms?: Record<string, Cpu>;
}

interface Row {
  readonly name: string;
  readonly value: number | undefined;
  readonly limit?: { readonly op: "≤" | "≥" | "<"; readonly to: number };
}

const atMost = (to: number) => ({ op: "≤", to }) as const;
const atLeast = (to: number) => ({ op: "≥", to }) as const;

/** Every figure with what the product promises. */
function rows(figures: Figures): Row[] {
  const { added_ttft_ms: ttft, added_token_ms: token, starved_streams: starved, jobs_per_s: jobs } = figures;
  const waits = figures.placement_wait_s;
  const all: Row[] = [
    { name: "added TTFT, p50 ms", value: ttft?.p50, limit: atMost(6) },
    { name: "added TTFT, p99 ms", value: ttft?.p99, limit: atMost(30) },
    { name: "token latency, 1 stream, p50 ms", value: token?.streams_1?.p50 },
    { name: "token latency, 1 stream, p99 ms", value: token?.streams_1?.p99 },
    { name: "token latency, 32 streams, p50 ms", value: token?.streams_32?.p50, limit: atMost(30) },
    { name: "token latency, 32 streams, p99 ms", value: token?.streams_32?.p99 },
    { name: "token latency, 128 streams, p50 ms", value: token?.streams_128?.p50 },
    { name: "token latency, 128 streams, p99 ms", value: token?.streams_128?.p99 },
    { name: "128 × 50 tok/s, streams starved", value: starved?.starved, limit: atMost(0) },
    { name: "128 × 50 tok/s, slowest stream's share", value: starved?.slowest_share },
    { name: "tokens/s through one queen", value: figures.tokens_per_s, limit: atLeast(25_000) },
    { name: "jobs/s, one after the other", value: jobs?.c1, limit: atLeast(150) },
    { name: "jobs/s, 16 at a time", value: jobs?.c16, limit: atLeast(250) },
    { name: "agent without a worker, MB", value: figures.agent_rss_mb, limit: { op: "<", to: 150 } },
    { name: "100 stalled readers, queen's growth, MB", value: figures.stalled_readers?.growth_mb, limit: atMost(100) },
    { name: "100 stalled readers, others' p99, ratio", value: figures.stalled_readers?.p99_ratio, limit: atMost(1.1) },
    { name: "real model, queen ÷ direct", value: figures.end_to_end_ratio, limit: atLeast(0.95) },
    { name: "second turn's prompt, cold ÷ held", value: figures.second_turn?.ratio, limit: atLeast(5) },
    { name: "  of tokens", value: figures.second_turn?.prompt_tokens },
    { name: "  held, ms", value: figures.second_turn?.second_turn_ms },
    { name: "  cold, ms", value: figures.second_turn?.cold_ms },
    { name: "embeddings, texts/s", value: figures.embedding?.texts_per_s },
    { name: "embeddings, cosine less the published one", value: figures.embedding?.off_published, limit: atMost(0.01) },
    { name: "simulated fleet, wait p50 s", value: waits?.ours.p50, limit: atMost(0) },
    { name: "simulated fleet, wait p99 s", value: waits?.ours.p99, limit: atMost((waits?.two_choices.p99 ?? 0) / 10) },
    { name: "  two random choices, p99 s", value: waits?.two_choices.p99 },
    { name: "  random, p99 s", value: waits?.random.p99 },
    { name: "  round robin, p99 s", value: waits?.round_robin.p99 },
    { name: "real model, queen ÷ direct, short text", value: figures.end_to_end?.short.ratio },
  ];
  return all.filter(({ value }) => value !== undefined);
}

function keeps({ value = Number.NaN, limit }: Row): boolean {
  if (limit === undefined) return true;
  if (limit.op === "≥") return value >= limit.to;
  return limit.op === "<" ? value < limit.to : value <= limit.to;
}

/** @returns the table, and whether every promise was kept */
export function table(figures: Figures): { text: string; kept: boolean } {
  const lines = rows(figures).map((row) => {
    const { name, value, limit } = row;
    const mark = limit === undefined ? " " : keeps(row) ? styleText("green", "✓") : styleText("red", "✗");
    const promise = limit === undefined ? "" : `${limit.op} ${limit.to.toLocaleString("en")}`;
    return `${mark} ${name.padEnd(40)} ${(value ?? 0).toLocaleString("en").padStart(9)}   ${promise}`;
  });
  return { text: lines.join("\n"), kept: rows(figures).every(keeps) };
}

/** Processor time, a line per scenario. */
export function cpuTable(figures: Figures): string {
  const lines = Object.entries(figures.cpu_ms ?? {}).map(([name, { queen, agent, workers, client }]) => {
    const cells = [queen, agent, workers, client].map((ms) => ms.toFixed(3).padStart(9));
    return `  ${name.padEnd(24)}${cells.join("")}`;
  });
  const heads = ["queen", "agent", "workers", "client"].map((head) => head.padStart(9));
  return [`  ${"processor time, ms".padEnd(24)}${heads.join("")}`, ...lines].join("\n");
}

export function machine(): Record<string, unknown> {
  const require = createRequire(import.meta.url);
  const version = (name: string) =>
    (JSON.parse(readFileSync(require.resolve(`${name}/package.json`), "utf8")) as { version: string }).version;
  return {
    cpu: os.cpus()[0]?.model ?? "unknown",
    cores: os.availableParallelism(),
    memory_gb: Math.round(os.totalmem() / 1024 ** 3),
    platform: `${process.platform}-${process.arch} ${os.release()}`,
    /** Other work on the machine when this began: above 0.5 the figures say little. */
    load_before: os.loadavg()[0],
    versions: { node: process.versions.node, workerd: version("workerd"), miniflare: version("miniflare") },
    commit: commit(),
  };
}

function commit(): string {
  try {
    return execFileSync("git", ["describe", "--always", "--dirty"], {
      cwd: import.meta.dirname,
      encoding: "utf8",
    }).trim();
  } catch {
    return "unknown";
  }
}
