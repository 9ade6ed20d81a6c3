import { silentLog } from "../../log.ts";
import { openModels } from "../open-models.ts";
import { plainPolicy } from "../policy.ts";

/**
 * A process that fetches one model and says so, to be killed: `<home> <endpoint> <model> [<segment bytes>]`. Prints one
 * line of JSON, the result or the error's code.
 */
const [home = "", endpoint = "", model = "", segment = "4194304"] = process.argv.slice(2);
const policy = { ...plainPolicy, endpoint: new URL(endpoint) };
const tuning = { segment_bytes: Number(segment), headroom_bytes: 0, patience: { tries: 3, min_ms: 1, max_ms: 5 } };
const models = openModels({ home, dirs: [], files: [], policy, log: silentLog, tuning });
const steps = models.provisioner.provide({ model }, new AbortController().signal);
let line: unknown;
try {
  let step = await steps.next();
  while (step.done !== true) step = await steps.next();
  line = step.value;
} catch (error) {
  const { code, message } = error as { code?: unknown; message?: unknown };
  line = { error: code, message };
}
process.stdout.write(`${JSON.stringify(line)}\n`);
await models.close();
