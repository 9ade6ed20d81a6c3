import type { Mutant } from "./mutants.ts";

const LEDGER = "queen-edge/src/queen/ledger.ts";
const REGISTRY = "queen-edge/src/queen/registry.ts";
const REGISTRY_OBJECT = "queen-edge/src/durable/registry-object.ts";
const HIVE_OBJECT = "queen-edge/src/durable/hive-object.ts";

export const booksMutants: readonly Mutant[] = [
  {
    id: "slot-not-freed",
    breaks: "the place of an ended job stays taken",
    file: LEDGER,
    original: "    if (job === undefined) return false;\n    this.drop(job_id);",
    mutated: "    if (job === undefined) return false;",
  },
  {
    id: "finished-twice",
    breaks: "a job that was reopened by a late call is counted twice",
    file: LEDGER,
    original: "INSERT OR IGNORE INTO finished_jobs",
    mutated: "INSERT OR REPLACE INTO finished_jobs",
    survives: "the second line is like the first: replacing it changes the order of the list only",
  },
  {
    id: "place-not-idempotent",
    breaks: "asking for a place again takes another one",
    file: REGISTRY,
    original: "if (open?.placement !== undefined && open.term > term) return",
    mutated: "if (open?.placement !== undefined && open.term > term + 1000) return",
    survives: "the job's own line is replaced, so no slot is lost; the term of the place given first fences it",
  },
  {
    id: "place-in-the-queens-term",
    breaks: "the books hold a placed job in the term in which it asked",
    file: REGISTRY,
    original: 'this.#ledger.put(want, term + 1, choice.placement);\n        return { kind: "placed"',
    mutated: 'this.#ledger.put(want, term, choice.placement);\n        return { kind: "placed"',
    survives: "the books are asked by the job's id; the audit corrects the rest",
  },
  {
    id: "hive-without-the-job",
    breaks: "a hive that comes back without its job is not noticed",
    file: REGISTRY,
    original: "job.placement?.hive_id === hive_id && !held.has(job.want.job_id)",
    mutated: "job.placement?.hive_id === hive_id && held.has(job.want.job_id) && false",
    survives: "the job's take-up or lease runs out instead: later, but it does",
  },
  {
    id: "audit-missing",
    breaks: "the books are never held against the jobs",
    file: REGISTRY_OBJECT,
    original: "for (const open of old) await this.#audit(colony, open).catch(logFailure);",
    mutated: "void old;",
  },
  {
    id: "audit-armed-once",
    breaks: "the audit comes once and never again",
    file: REGISTRY_OBJECT,
    original:
      "    // Armed before the work: whatever fails below, the next audit comes.\n    await this.#armAudit(colony);",
    mutated: "",
  },
  {
    id: "superseded-control-stays",
    breaks: "an older control socket of the hive stays open beside a newer one",
    file: HIVE_OBJECT,
    original: "if (other !== ws && other.readyState === WebSocket.OPEN)",
    mutated: "if (other !== other)",
    survives: "only the socket of the newest session is given work; the older one is closed by its own end",
  },
  {
    id: "any-control-socket",
    breaks: "work goes to whichever control socket is found first",
    file: HIVE_OBJECT,
    original: "(ws.deserializeAttachment() as Attachment).session === number;",
    mutated: "(ws.deserializeAttachment() as Attachment).session >= 0;",
    survives: "a newer socket closes the older ones before it counts, so only one is open",
  },
  {
    id: "registry-not-told",
    breaks: "the registry is not told that a hive came",
    file: HIVE_OBJECT,
    original: "    await registryOf(this.env, colony).hiveConnected(",
    mutated: "    void registryOf; void (async (..._: unknown[]) => {})(",
  },
  {
    id: "told-and-forgotten",
    breaks: "a registry that did not hear that a hive came is not told again",
    file: HIVE_OBJECT,
    original: "ws.close(close.code, close.reason);",
    mutated: "if (code !== 'internal') ws.close(close.code, close.reason);",
  },
];
