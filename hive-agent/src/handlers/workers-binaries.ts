import { narrate, RbeeError } from "@rbee/contracts";
import type { InstalledEngine } from "../binaries/store.ts";
import type { HiveHandlers } from "../jobs/handler.ts";
import type { HandlerDeps } from "./deps.ts";

type BinaryHandlers = Pick<
  HiveHandlers,
  | "worker_catalog_list"
  | "worker_catalog_get"
  | "worker_download"
  | "worker_build"
  | "worker_binary_list"
  | "worker_binary_get"
  | "worker_binary_delete"
>;

export const binaryHandlers = ({ engines }: HandlerDeps): BinaryHandlers => ({
  async *worker_catalog_list(_input, { signal }) {
    yield narrate("hive", "worker_catalog_list", "Looking at what this hive could install");
    return { workers: await engines.offers(signal) };
  },

  async *worker_catalog_get({ worker_type }, { signal }) {
    yield narrate("hive", "worker_catalog_get", `Looking at ${worker_type}`);
    const worker = (await engines.offers(signal)).find((offer) => offer.worker_type === worker_type);
    if (worker === undefined) throw new RbeeError("engine_not_found", `there is no ${worker_type}`);
    return { worker };
  },

  async *worker_download({ worker_type }, { signal }) {
    return resultOf(yield* engines.download(worker_type, signal));
  },

  async *worker_build({ worker_type, options }, { signal }) {
    const { backend, jobs } = options ?? {};
    const wish = { ...(backend === undefined ? {} : { backend }), ...(jobs === undefined ? {} : { jobs }) };
    return resultOf(yield* engines.build(worker_type, wish, signal));
  },

  async *worker_binary_list() {
    yield narrate("hive", "worker_binary_list", "Looking at the installed engines");
    return { workers: await engines.installed() };
  },

  async *worker_binary_get({ worker_type }) {
    yield narrate("hive", "worker_binary_get", `Looking at ${worker_type}`);
    return { worker: await engines.get(worker_type) };
  },

  async *worker_binary_delete({ worker_type }) {
    yield narrate("hive", "worker_binary_delete", `Removing ${worker_type}`);
    return { message: `${await engines.remove(worker_type)} was removed` };
  },
});

function resultOf({ worker_type, version, path, sha256, size_bytes }: InstalledEngine) {
  return { worker_type, version, path, size_bytes, ...(sha256 === undefined ? {} : { sha256 }) };
}
