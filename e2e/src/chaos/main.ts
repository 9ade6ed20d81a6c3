import { parseArgs } from "node:util";
import { inWords, summarize } from "./report.ts";
import { faultKinds, soak, type Fault } from "./soak.ts";

const USAGE = `npm run chaos -- [--minutes <m>] [--kills <n>] [--seed <s>] [--only <faults>] [--no-real] [--patient] [--json]

--minutes   how long things are broken; 2 unless given
--kills     ends earlier, when so many processes were killed
--seed      the same faults in the same order; random unless given
--only      of ${faultKinds.join(", ")}
--no-real   without the hive that runs a real engine
--patient   one kill at a time, the next when every stream has got over the last: for gaps that have one cause
--json      the summary as JSON on stdout

Exit code 1 when anything was lost, doubled, left hanging or left behind.`;

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "2" },
    kills: { type: "string" },
    seed: { type: "string" },
    only: { type: "string", default: faultKinds.join(",") },
    "no-real": { type: "boolean", default: false },
    patient: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

function faultsOf(text: string): Fault[] {
  const asked = text.split(",");
  const unknown = asked.filter((name) => !faultKinds.includes(name as Fault));
  if (unknown.length > 0) throw new Error(`there is no ${unknown.join(", ")}\n${USAGE}`);
  return asked as Fault[];
}

async function main(): Promise<number> {
  if (values.help) return (process.stdout.write(`${USAGE}\n`), 0);
  const seed = Number(values.seed ?? Math.floor(Math.random() * 1_000_000));
  const say = (line: string): void => void process.stderr.write(`${line}\n`);
  say(`seed ${seed}`);
  const only = faultsOf(values.only);
  const kills = values.kills === undefined ? undefined : Number(values.kills);
  const summary = summarize(
    await soak({
      seed,
      minutes: Number(values.minutes),
      kills,
      only,
      real: !values["no-real"],
      patient: values.patient,
      say,
    }),
  );
  process.stdout.write(`${values.json ? JSON.stringify(summary, undefined, 2) : inWords(summary)}\n`);
  return summary.violations.length === 0 ? 0 : 1;
}

process.exitCode = await main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  return 2;
});
