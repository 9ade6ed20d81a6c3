import type { JobEvent, Logprob } from "@rbee/contracts";
import { RbeeError } from "@rbee/contracts";
import { ApiJob } from "../api/api-job.ts";
import type { ApiCaller } from "../api/caller.ts";
import { mustBeAllowed } from "../api/rate-limits.ts";
import { resultOf, type Choice } from "./chat-answer.ts";

/** Starts a job for each input; when one is refused the others are not wanted either. @throws RbeeError */
export async function startChoices(
  caller: ApiCaller,
  inputs: readonly Readonly<Record<string, unknown>>[],
  { whole }: { readonly whole: boolean },
): Promise<ApiJob[]> {
  await mustBeAllowed(caller, inputs.length, { together: true });
  const starts = inputs.map(async (input, part) => ApiJob.start(caller, { operation: "infer", input, part, whole }));
  const settled = await Promise.allSettled(starts);
  const jobs = settled.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
  const refused = settled.find((one) => one.status === "rejected");
  if (refused === undefined) return jobs;
  for (const job of jobs) job.leave();
  throw refused.reason;
}

/** Reads all of them at once. @param onEvent may hold its job up by not resolving @throws RbeeError */
export async function readChoices(
  jobs: readonly ApiJob[],
  onEvent?: (choice: number, event: JobEvent) => Promise<void>,
): Promise<Choice[]> {
  const read = async (job: ApiJob, at: number): Promise<Choice> => {
    const logprobs: Logprob[] = [];
    for await (const event of job.events()) {
      if (event.type === "token" && event.logprobs !== undefined) logprobs.push(...event.logprobs);
      await onEvent?.(at, event);
      const result = resultOf(event);
      if (result !== undefined) return { result, logprobs };
    }
    throw new RbeeError("unavailable");
  };
  try {
    return await Promise.all(jobs.map(read));
  } catch (error) {
    // One that failed takes the others with it: nobody gets their answers.
    for (const job of jobs) job.leave();
    throw error;
  }
}
