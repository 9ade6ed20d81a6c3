import { buildCommand, buildRouteMap, type RouteMap, type CommandContext } from "@stricli/core";
import type { JobEvent, JobView } from "@rbee/sdk";
import { clientOf, commonFlags, type CommonFlags } from "../common-flags.ts";
import { Interrupted } from "../failure.ts";
import { interruption } from "../interruption.ts";
import { Narrator } from "../terminal/narrator.ts";
import { paintErr, printData, printJson, printResult, printable, say } from "../terminal/output.ts";
import { live } from "./live-values.ts";
import { renderJob, renderJobs } from "./views/jobs.ts";

const jobArgument = {
  kind: "tuple",
  parameters: [{ brief: "Job", placeholder: "job", parse: String, proposeCompletions: live("job") }],
} as const;

const LIST_DEFAULT = "20";

function parseLimit(text: string): number {
  const limit = Number(text);
  if (!Number.isInteger(limit) || limit < 1) throw new SyntaxError(`${JSON.stringify(text)} is not a number of jobs`);
  return limit;
}

const list = buildCommand<CommonFlags & { readonly limit: number }>({
  docs: {
    brief: "List the newest jobs",
    customUsage: [{ input: "--limit 100", brief: "More than the newest 20" }],
  },
  parameters: {
    flags: {
      limit: {
        kind: "parsed",
        parse: parseLimit,
        default: LIST_DEFAULT,
        placeholder: "n",
        brief: "How many of the newest",
      },
      ...commonFlags,
    },
  },
  func: async (flags) => {
    const jobs = await clientOf(flags).list({ limit: flags.limit });
    printResult(flags, { jobs }, renderJobs);
    if (jobs.length === flags.limit && process.stderr.isTTY && flags.quiet !== true)
      say(paintErr("dim", `The ${flags.limit} newest; --limit shows more.`));
  },
});

const get = buildCommand<CommonFlags, [string]>({
  docs: { brief: "Show one job", customUsage: [{ input: "job_…", brief: "Where it stands, and its result" }] },
  parameters: { flags: commonFlags, positional: jobArgument },
  func: async (flags, id) => {
    const job: JobView = await clientOf(flags).get(id);
    printResult(flags, job, renderJob);
  },
});

const cancel = buildCommand<CommonFlags, [string]>({
  docs: {
    brief: "Stop a job wherever it is",
    customUsage: [{ input: "job_…", brief: "In the queue, or on a GPU; twice is the same as once" }],
  },
  parameters: { flags: commonFlags, positional: jobArgument },
  func: async (flags, id) => {
    const answer = await clientOf(flags).cancel(id);
    printResult(flags, answer, ({ job_id, status }) => `${job_id} is ${status}`);
  },
});

const retry = buildCommand<CommonFlags, [string]>({
  docs: {
    brief: "Ask once more for what a job was asked for",
    customUsage: [{ input: "job_…", brief: "A new job; `rbee jobs stream` follows it" }],
  },
  parameters: { flags: commonFlags, positional: jobArgument },
  func: async (flags, id) => {
    const answer = await clientOf(flags).retry(id);
    printResult(flags, answer, ({ job_id }) => job_id);
  },
});

const stream = buildCommand<CommonFlags & { readonly after?: string | undefined }, [string]>({
  docs: {
    brief: "Read a job's stream from its start, and follow it to its end",
    customUsage: [
      { input: "job_…", brief: "What was said so far, and what comes" },
      { input: "job_… --json --after 1.20", brief: "Every event behind that one, a line each" },
    ],
    fullDescription:
      "Reads a job's stream from its start, and follows it to its end, which the exit code tells. Ctrl-C stops reading, not the job.",
  },
  parameters: {
    flags: {
      after: {
        kind: "parsed",
        parse: String,
        optional: true,
        placeholder: "position",
        brief: "Read on behind this event",
      },
      ...commonFlags,
    },
    positional: jobArgument,
  },
  func: async (flags, id) => {
    const { signal, end } = interruption();
    const narrator = new Narrator({ quiet: flags.quiet === true });
    const show = flags.json === true ? showAsJson : showAsText(narrator);
    const job = clientOf(flags).open(id);
    try {
      for await (const { event, position } of job.events({ after: flags.after, signal })) show(event, position);
      await job.result({ signal });
    } catch (error) {
      throw signal.aborted ? new Interrupted("Stopped reading; the job goes on.") : error;
    } finally {
      narrator.stop();
      end();
    }
  },
});

const showAsJson = (event: JobEvent, position: string): void => printJson({ position, ...event });

const showAsText =
  (narrator: Narrator) =>
  (event: JobEvent): void => {
    if (event.type !== "token" && event.type !== "result" && event.type !== "error") narrator.show(event);
    else narrator.stop();
    if (event.type === "token") process.stdout.write(printable(event.text));
    // The answer of a generation was streamed already: its text need not come twice.
    if (event.type === "result")
      printData("text" in event.result ? "\n" : JSON.stringify(printable(event.result), null, 2));
  };

export const jobRoutes: RouteMap<CommandContext> = buildRouteMap<string>({
  docs: { brief: "What was asked for, and what became of it" },
  routes: { list, get, stream, cancel, retry },
});
