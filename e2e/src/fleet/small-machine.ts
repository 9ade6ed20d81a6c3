import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";

/*
 * The agent as it is, on a machine with so much memory for models (RBEE_TEST_MEMORY, in bytes): what its workers were
 * reckoned to take is taken, and nothing else.
 */

const home = process.argv[process.argv.indexOf("--home") + 1] ?? "";
const memory = Number(process.env["RBEE_TEST_MEMORY"]);

const taken = (file: string): number => {
  const { info } = JSON.parse(readFileSync(file, "utf8")) as { info: { memory_bytes?: number } };
  return info.memory_bytes ?? 0;
};

process.availableMemory = () =>
  globSync(join(home, "workers/*.json")).reduce((left, file) => left - taken(file), memory);

await import("../../../hive-agent/src/main.ts");
