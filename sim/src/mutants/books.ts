import type { Mutant } from "./mutants.ts";

const LEDGER = "queen-edge/src/queen/ledger.ts";
const REGISTRY = "queen-edge/src/queen/registry.ts";
const REGISTRY_OBJECT = "queen-edge/src/durable/registry-object.ts";
const SESSION = "queen-edge/src/queen/hive-session.ts";
const HIVE_OBJECT = "queen-edge/src/durable/hive-object.ts";

export const booksMutants: readonly Mutant[] = [
  {
    id: "slot-not-freed",
    rule: "REG-1",
    breaks: "the place of an ended job stays taken",
    file: LEDGER,
    original: "    this.drop(job_id, ending.finished_at);\n",
    mutated: "",
  },
  {
    id: "finished-twice",
    rule: "REG-1",
    breaks: "a job that was reopened by a late call is counted twice",
    file: LEDGER,
    original: "INSERT OR IGNORE INTO finished_jobs",
    mutated: "INSERT OR REPLACE INTO finished_jobs",
  },
  {
    id: "place-not-idempotent",
    rule: "REG-2",
    breaks: "asking for a place again takes another one",
    file: REGISTRY,
    original: "if (open !== undefined && open.term > term) return",
    mutated: "if (open !== undefined && open.term > term + 1000) return",
  },
  {
    id: "place-in-the-queens-term",
    rule: "REG-2",
    breaks: "the books hold a placed job in the term in which it asked",
    file: REGISTRY,
    original: "this.#ledger.give(want, term + 1, choice);",
    mutated: "this.#ledger.give(want, term, choice);",
  },
  {
    id: "hive-without-the-job",
    rule: "HIVE-1",
    breaks: "a hive that comes back without its job is not noticed",
    file: REGISTRY,
    original: "(held.get(want.job_id) ?? 0) < term",
    mutated: "(held.get(want.job_id) ?? 0) < -term",
  },
  {
    id: "audit-missing",
    rule: "REG-3",
    breaks: "the books are never held against the jobs",
    file: REGISTRY_OBJECT,
    original: 'for (const open of old) await this.#audit(colony, open).catch(logFailure("notice_failed"));',
    mutated: "void old;",
  },
  {
    id: "audit-armed-once",
    rule: "REG-3",
    breaks: "the audit comes once and never again",
    file: REGISTRY_OBJECT,
    original: "    // Armed before the work: whatever fails below, the next alarm comes.\n    await this.#arm(colony);",
    mutated: "",
  },
  {
    id: "superseded-control-stays",
    rule: "HIVE-1",
    breaks: "an older control socket of the hive stays open beside a newer one",
    file: HIVE_OBJECT,
    original: "if (attachmentOf(other).dial < dial) other.close(",
    mutated: "if (Date.now() < 0) other.close(",
  },
  {
    id: "any-control-socket",
    rule: "HIVE-1",
    breaks: "work goes to whichever control socket is found first",
    file: HIVE_OBJECT,
    original: "attachmentOf(ws).session === number;",
    mutated: "attachmentOf(ws).session >= 0;",
  },
  {
    id: "registry-not-told",
    rule: "HIVE-1",
    breaks: "the registry is not told that a hive came",
    file: HIVE_OBJECT,
    original: "    await registryOf(this.env, colony).hiveConnected(",
    mutated: "    void registryOf; void (async (..._: unknown[]) => {})(",
  },
  {
    id: "told-and-forgotten",
    rule: "HIVE-1",
    breaks: "a registry that did not hear that a hive came is not told again",
    file: HIVE_OBJECT,
    original: "ws.close(close.code, close.reason);",
    mutated: "if (code !== 'internal') ws.close(close.code, close.reason);",
  },
  {
    id: "replay-admitted",
    rule: "HIVE-3",
    breaks: "a connect request is good for more than one connection",
    file: SESSION,
    original: ".length > 0;",
    mutated: ".length >= 0;",
  },
  {
    id: "old-credential-admitted",
    rule: "HIVE-2",
    breaks: "a credential is good although the machine has joined anew",
    file: SESSION,
    original: " || gen < this.#gen) return false;",
    mutated: ") return false;",
  },
  {
    id: "late-hello-heard",
    rule: "HIVE-1",
    breaks: "what is said on a socket that was closed takes over",
    file: HIVE_OBJECT,
    original: "if (ws.readyState !== WebSocket.OPEN) return;\n    try",
    mutated: "try",
  },
];
