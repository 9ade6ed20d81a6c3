import type { OperationName } from "./operations.ts";

/** Another name under which an operation may be submitted, and how its fields are called there. */
interface Synonym {
  readonly operation: OperationName | ((fields: Readonly<Record<string, unknown>>) => OperationName);
  /** Their name → ours. */
  readonly fields?: Readonly<Record<string, string>>;
}

const engine = { id: "worker_type", worker_id: "worker_type", worker: "worker_type" };

/** Names that older and other clients use. They exist at the boundary only: behind it every job has its row's name. */
const synonyms: Readonly<Record<string, Synonym>> = {
  worker_install: {
    operation: (fields) => (Object.values(fields).includes("llama-server") ? "worker_build" : "worker_download"),
    fields: engine,
  },
  worker_list_installed: { operation: "worker_binary_list" },
  worker_installed_get: { operation: "worker_binary_get", fields: engine },
  worker_remove: { operation: "worker_binary_delete", fields: engine },
  worker_list: { operation: "worker_process_list" },
  worker_get: { operation: "worker_process_get", fields: { id: "worker_id" } },
  worker_delete: { operation: "worker_process_delete", fields: { id: "worker_id" } },
};

/** `alias` is what older clients call `hive_id`, in every operation that has one. */
const everywhere: Readonly<Record<string, string>> = { alias: "hive_id" };

/** A submission under the names of the table. What is no synonym stays as it is. */
export function canonical(operation: string, fields: Readonly<Record<string, unknown>>) {
  const synonym = Object.hasOwn(synonyms, operation) ? synonyms[operation] : undefined;
  const meant = synonym?.operation ?? operation;
  return {
    operation: typeof meant === "string" ? meant : meant(fields),
    fields: renamed(fields, synonym?.fields ?? {}),
  };
}

/** Renames what `schema` knows by our name; a field that is also there under our name is left for the schema to refuse. */
export function withCommonSynonyms(
  fields: Readonly<Record<string, unknown>>,
  shape: Readonly<Record<string, unknown>>,
) {
  const known = Object.fromEntries(Object.entries(everywhere).filter(([, ours]) => Object.hasOwn(shape, ours)));
  return renamed(fields, known);
}

function renamed(fields: Readonly<Record<string, unknown>>, names: Readonly<Record<string, string>>) {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => {
      const ours = Object.hasOwn(names, name) ? names[name] : undefined;
      return [ours === undefined || Object.hasOwn(fields, ours) ? name : ours, value];
    }),
  );
}
