import type { QueuedJob } from "@rbee/contracts";
import type { Forecast } from "./forecast.ts";
import type { Want } from "./want.ts";
import type { Choice } from "./placement.ts";
import { queueOf, type WaitingLine } from "./waiting-line.ts";

interface Outlook {
  readonly choose: (want: Want) => Choice;
  readonly forecast: Forecast;
}

/** What is shown of the jobs that wait, in the order in which they will be served. */
export function queuedJobs(line: WaitingLine, limit: number, { choose, forecast }: Outlook): QueuedJob[] {
  // Jobs that want the same wait for the same.
  const choices = new Map<string, Choice>();
  return line.front(limit).map((job) => {
    const { want } = job;
    const queue = queueOf(want);
    const choice = choices.get(queue) ?? choose(want);
    choices.set(queue, choice);
    const model = want.model ?? want.about;
    const position = line.positionOf(job);
    const slots = choice.kind === "wait" ? (choice.slots ?? 0) : 0;
    const eta_ms = forecast.wait({ model: want.model, position, slots });
    return {
      job_id: want.job_id,
      operation: want.operation,
      ...(model === undefined ? {} : { model }),
      ...(want.hive_id === "auto" ? {} : { hive_id: want.hive_id }),
      priority: want.priority ?? "normal",
      key: want.key_id ?? "",
      position,
      reason: reasonOf(choice),
      submitted_at: want.submitted_at,
      ...(eta_ms === undefined ? {} : { eta_ms }),
    };
  });
}

function reasonOf(choice: Choice): string {
  switch (choice.kind) {
    case "wait":
      return choice.reason;
    case "refuse":
      return choice.problem.detail;
    case "place":
      return "it is about to start";
  }
}
