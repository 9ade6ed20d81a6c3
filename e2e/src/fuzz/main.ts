import { inspect, parseArgs } from "node:util";
import { fuzzAgent } from "./agent.ts";
import { fuzz } from "./run.ts";

const USAGE = `npm run fuzz [-- --inputs <n>] [--seed <n>]

Throws malformed frames and requests at a real queen, and malformed frames at a real agent, while an honest hive and an
honest job go on beside them. Ends with the smallest input that harms anything.`;

const INPUTS_DEFAULT = 10_000;
/** The agent hears this share of what the queen gets. */
const AGENT_SHARE = 0.2;

const { values } = parseArgs({
  options: { inputs: { type: "string" }, seed: { type: "string" }, help: { type: "boolean", default: false } },
});

async function main(): Promise<void> {
  if (values.help) return void process.stdout.write(`${USAGE}\n`);
  const inputs = Number(values.inputs ?? INPUTS_DEFAULT);
  const seed = Number(values.seed ?? Date.now() % 2 ** 31);
  process.stdout.write(`seed ${seed}\n`);
  const queen = await fuzz({ inputs, seed });
  const agent = await fuzzAgent({ inputs: Math.ceil(inputs * AGENT_SHARE), seed });
  process.stdout.write(`${JSON.stringify({ queen, agent })}\n`);
}

await main().catch((error: unknown) => {
  process.stderr.write(`${inspect(error, { depth: 4 })}\n`);
  process.exitCode = 1;
});
