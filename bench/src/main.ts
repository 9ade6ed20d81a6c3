import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { full, quick, type Amount } from "./amount.ts";
import { cpuPer } from "./cpu.ts";
import { embedding } from "./embeddings.ts";
import { Fleet } from "./fleet.ts";
import { embedderFile, hasEmbedder } from "./models.ts";
import { placementWaits } from "./placement.ts";
import { secondTurn } from "./prefix.ts";
import { stalledReaders } from "./slow.ts";
import { cpuTable, machine, table, type Figures } from "./report.ts";
import { addedTtft, endToEnd, jobsPerSecond, residentMb, streams, tokensPerSecond, warmUp } from "./scenarios.ts";

const USAGE = `npm run bench -- [--quick] [--strict] [--state <dir>] [--only ttft,streams,flood,jobs,ratio,slow,prefix,embeddings,placement] [--profile <dir>]

--quick     figures within a minute instead of steady ones within a few
--strict    exit 1 when a promise is not kept
--state     where the fleet stores things; a RAM disk when there is one
--profile   writes a CPU profile of the agent there`;

const { values } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    strict: { type: "boolean", default: false },
    state: { type: "string" },
    only: { type: "string", default: "ttft,streams,flood,jobs,ratio,slow,prefix,embeddings,placement" },
    profile: { type: "string" },
    help: { type: "boolean", default: false },
  },
});
const RAM_DISK = "/dev/shm";
const OUT = join(import.meta.dirname, "../out");

const say = (text: string): void => void process.stdout.write(`${text}\n`);

type Scenario = (fleet: Fleet, figures: Figures, amount: Amount) => Promise<void>;

const scenarios: Readonly<Record<string, Scenario>> = {
  async ttft(fleet, figures, amount) {
    figures.added_ttft_ms = await addedTtft(fleet, amount);
  },
  async streams(fleet, figures, amount) {
    figures.added_token_ms = {};
    for (const count of [1, 32, 128] as const) {
      const note = counting(fleet, figures, `token, ${count} streams`);
      const { latency, tokens, slowest_share, longest_gap_ms, starved } = await streams(fleet, count, amount);
      note(tokens);
      figures.added_token_ms[`streams_${count}`] = latency;
      figures.starved_streams = { streams: count, slowest_share, longest_gap_ms, starved };
    }
  },
  async flood(fleet, figures, amount) {
    const note = counting(fleet, figures, "token, flood");
    const { per_s, tokens } = await tokensPerSecond(fleet, amount);
    note(tokens);
    figures.tokens_per_s = per_s;
  },
  async jobs(fleet, figures, amount) {
    figures.jobs_per_s = {};
    for (const lanes of [1, 16] as const) {
      const note = counting(fleet, figures, `job, ${lanes} at a time`);
      const { per_s, jobs } = await jobsPerSecond(fleet, lanes, amount);
      note(jobs);
      figures.jobs_per_s[`c${lanes}`] = per_s;
    }
  },
  async slow(fleet, figures, amount) {
    figures.stalled_readers = await stalledReaders(fleet, amount);
  },
  async ratio(fleet, figures, amount) {
    figures.end_to_end = await endToEnd(fleet, amount);
    figures.end_to_end_ratio = figures.end_to_end.long.ratio;
  },
  async prefix(fleet, figures, amount) {
    figures.second_turn = await secondTurn(fleet, amount);
  },
  async embeddings(fleet, figures, amount) {
    if (hasEmbedder) figures.embedding = await embedding(fleet, amount);
    else process.stderr.write(`  skipped: there is no ${embedderFile}\n`);
  },
};

/** What these measure takes so long that a queen that is not warm yet adds nothing to it. */
const UNHURRIED = new Set(["prefix", "embeddings"]);

/** Scenarios in simulated time, which need no fleet. */
const simulations: Readonly<Record<string, (figures: Figures, amount: Amount) => void>> = {
  placement(figures, amount) {
    figures.placement_wait_s = placementWaits(amount);
  },
};

/** Processor time from now until the returned function is called with the number of jobs or tokens. */
function counting(fleet: Fleet, figures: Figures, name: string): (units: number) => void {
  const before = fleet.cpu();
  return (units) => {
    figures.cpu_ms = { ...figures.cpu_ms, [name]: cpuPer(units, before, fleet.cpu()) };
  };
}

async function measure(fleet: Fleet, amount: Amount): Promise<Figures> {
  const figures: Figures = {};
  const names = values.only.split(",");
  for (const name of names) simulations[name]?.(figures, amount);
  const real = names.filter((name) => !Object.hasOwn(simulations, name));
  if (real.length === 0) return figures;
  await fleet.start();
  if (existsSync("/proc/self/status")) figures.agent_rss_mb = await residentMb(fleet.agentPid, residentBytes);
  await fleet.startWorkers();
  if (real.some((name) => !UNHURRIED.has(name))) await warmUp(fleet, amount);
  for (const name of real) {
    const scenario = scenarios[name];
    if (scenario === undefined) throw new Error(`there is no ${name}\n${USAGE}`);
    process.stderr.write(`${name}…\n`);
    await scenario(fleet, figures, amount);
  }
  return figures;
}

async function residentBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024;
}

async function main(): Promise<number> {
  if (values.help) {
    say(USAGE);
    return 0;
  }
  const ramDisk = values.state === undefined && existsSync(RAM_DISK);
  const state = values.state ?? (ramDisk ? RAM_DISK : tmpdir());
  const about = { date: new Date().toISOString(), mode: values.quick ? "quick" : "full", state, ...machine() };
  const fleet = new Fleet({ state, profile: values.profile });
  let interrupted = false;
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => {
      if (interrupted) return;
      interrupted = true;
      void fleet.stop().finally(() => process.exit(130));
    });
  }
  try {
    const figures = await measure(fleet, values.quick ? quick : full);
    mkdirSync(OUT, { recursive: true });
    writeFileSync(join(OUT, "latest.json"), `${JSON.stringify({ ...about, ...figures }, undefined, 2)}\n`);
    const { text, kept } = table(figures);
    if (figures.cpu_ms !== undefined) say(`\n${cpuTable(figures)}`);
    say(`\n${text}\n\nstate on ${state}${ramDisk ? " (RAM disk)" : ""}; written to bench/out/latest.json`);
    return values.strict && !kept ? 1 : 0;
  } catch (error) {
    // Processes that are being stopped fail whoever still asks them.
    if (interrupted) return 130;
    throw error;
  } finally {
    if (!interrupted) await fleet.stop();
  }
}

const code = await main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  return 2;
});
process.exitCode = code;
