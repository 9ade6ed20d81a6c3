import {
  RbeeError,
  type JobClient,
  type JobEvent,
  type OperationName,
  type OperationRequest,
  type OperationResult,
} from "@rbee/sdk";
import { Interrupted } from "../failure.ts";
import { interruption } from "../interruption.ts";
import { clientOf } from "../common-flags.ts";
import type { AddressFlags } from "../queen-address.ts";
import { Narrator } from "../terminal/narrator.ts";

export interface Watching {
  readonly onEvent?: (event: JobEvent, narrator: Narrator) => void;
  /** Said when Ctrl-C has cancelled the job. */
  readonly afterCancel?: string | undefined;
  /** Every word of progress is worth a line of its own. */
  readonly verbose?: boolean | undefined;
  readonly quiet?: boolean | undefined;
}

/**
 * Runs an operation with its progress on stderr. Ctrl-C cancels the job and waits for its end.
 * @throws Interrupted after Ctrl-C, RbeeError otherwise
 */
export async function runWatched<K extends OperationName>(
  flags: AddressFlags & Watching,
  operation: K,
  input: OperationRequest<K>,
): Promise<OperationResult<K>> {
  const { signal, end } = interruption();
  const narrator = new Narrator({ verbose: flags.verbose === true, quiet: flags.quiet === true });
  const client = clientOf(flags);
  const onEvent = (event: JobEvent): void => {
    if (flags.onEvent === undefined) narrator.show(event);
    else flags.onEvent(event, narrator);
  };
  let jobId = "";
  try {
    const onStart = (id: string): void => void (jobId = id);
    return await client.run(operation, input, { signal, cancelOnAbort: true, onStart, onEvent });
  } catch (error) {
    if (!signal.aborted || (error instanceof RbeeError && error.code !== "cancelled")) throw error;
    const stopped = jobId === "" ? "Stopped" : `Cancelled ${jobId}${await whereWas(client, jobId)}`;
    throw new Interrupted([stopped, flags.afterCancel ?? ""].join("\n").trim());
  } finally {
    narrator.stop();
    end();
  }
}

/** Worth a word, not an error: the job is cancelled either way. */
const whereWas = (client: JobClient, jobId: string): Promise<string> =>
  client.get(jobId).then(
    ({ hive_id }) => (hive_id === undefined ? "" : ` on ${hive_id}`),
    () => "",
  );
