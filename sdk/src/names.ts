import type { OperationName } from "@rbee/contracts";

/** Nouns of more than one word, and those whose plural is not made with an s. The rest follows the rule below. */
const nouns = {
  active_worker: "activeWorkers",
  hive_token: "hiveTokens",
  queen: "queen",
  usage: "usage",
  worker_binary: "workerBinaries",
  worker_catalog: "workerCatalog",
  worker_process: "workerProcesses",
} as const;

/** Names that the queen knows besides those of the table, and the operation that each of them means. */
export const synonyms = {
  worker_install: "worker_download",
  worker_list_installed: "worker_binary_list",
  worker_installed_get: "worker_binary_get",
  worker_remove: "worker_binary_delete",
  worker_list: "worker_process_list",
  worker_get: "worker_process_get",
  worker_delete: "worker_process_delete",
} as const satisfies Readonly<Record<string, OperationName>>;

/** Everything an operation may be called, and which one is meant. */
export type Names = { readonly [K in OperationName]: K } & typeof synonyms;

type Nouns = typeof nouns;

/** `refresh_capabilities` → `refreshCapabilities` */
export type Camel<Name extends string> = Name extends `${infer First}_${infer Rest}`
  ? `${First}${Capitalize<Camel<Rest>>}`
  : Name;

/**
 * Where a client has an operation: `model_download` is `models.download`, `worker_process_list` is `workerProcesses.list`,
 * and a name of one word stays as it is. The noun is the first word, unless the table above knows a longer one.
 */
export type PathOf<Name extends string> = Name extends `${keyof Nouns}_${string}`
  ? { [N in keyof Nouns]: Name extends `${N}_${infer Verb}` ? readonly [Nouns[N], Camel<Verb>] : never }[keyof Nouns]
  : Name extends `${infer Noun}_${infer Verb}`
    ? readonly [`${Noun}s`, Camel<Verb>]
    : readonly [Name];

/** The same at run time. */
export function pathOf(name: string): readonly [string] | readonly [group: string, method: string] {
  const known = Object.entries(nouns).find(([noun]) => name.startsWith(`${noun}_`));
  const [noun, group] = known ?? [name.split("_", 1)[0] ?? "", undefined];
  return noun === name ? [name] : [group ?? `${noun}s`, camel(name.slice(noun.length + 1))];
}

export const camel = (name: string): string =>
  name.replaceAll(/_([a-z])/g, (_match, letter: string) => letter.toUpperCase());
