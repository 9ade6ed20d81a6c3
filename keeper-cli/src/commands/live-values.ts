import type { CommandContext } from "@stricli/core";
import { JobClient, type OperationResult } from "@rbee/sdk";
import { readContexts } from "../contexts.ts";
import { rbeeHome } from "../home.ts";
import { queenAddress, type AddressFlags } from "../queen-address.ts";

/** What the shell completes with what there is right now. */
export type LiveValue = "hive" | "model" | "worker" | "job" | "context";

/** Somebody presses Tab and waits: a queen that is slower than this is not there. */
const ANSWER_MS = 900;
/** Jobs that are proposed. */
const JOBS_SHOWN = 20;

/** The context of a completion: the queen that the words so far speak of. */
export interface CompletionContext extends CommandContext {
  readonly address?: AddressFlags;
}

/** A proposal function of the parser's. Never fails and never says anything: no proposal is one, too. */
export const live = (kind: LiveValue) =>
  async function (this: CommandContext, partial: string): Promise<string[]> {
    const { address = {} } = this as CompletionContext;
    const values = await valuesOf[kind](address).catch(() => []);
    return [...new Set(values)].filter((value) => value.startsWith(partial)).sort();
  };

const valuesOf: Readonly<Record<LiveValue, (flags: AddressFlags) => Promise<string[]>>> = {
  hive: async (flags) => [...(await statusOf(flags)).hives.map(({ hive_id }) => hive_id), "local"],
  model: async (flags) => {
    const { hives, workers } = await statusOf(flags);
    return [...hives.flatMap(({ models }) => models.map(({ id }) => id)), ...workers.map(({ model }) => model)];
  },
  worker: async (flags) => (await statusOf(flags)).workers.map(({ worker_id }) => worker_id),
  job: async (flags) => (await briefClient(flags).list({ limit: JOBS_SHOWN })).map(({ job_id }) => job_id),
  context: async () => Object.keys(readContexts(rbeeHome()).contexts),
};

const statusOf = (flags: AddressFlags): Promise<OperationResult<"status">> => briefClient(flags).run("status", {});

/** Refused at once is refused: the client's own retries would only use up the time. */
function briefClient(flags: AddressFlags): JobClient {
  const deadline = AbortSignal.timeout(ANSWER_MS);
  return new JobClient({ ...queenAddress(flags), fetch: (input, init) => fetch(input, { ...init, signal: deadline }) });
}
