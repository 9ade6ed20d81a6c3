import type { JobEvent } from "@rbee/contracts";
import type { LogEntry } from "./event-log.ts";
import { formatPosition } from "./position.ts";

/** `text` is for people and `curl -N`, `json` for programs. */
export type StreamFormat = "text" | "json";

export const isEndOfJob = (event: JobEvent): boolean =>
  event.type === "result" || event.type === "error" || (event.type === "state" && event.state === "cancelled");

/** Last thing on every stream, so that no reader hangs. It has no id: it is not an event of the log. */
export const DONE = "data: [DONE]\n\n";

/** Server-sent events of log entries, with `[DONE]` behind the one that ends the job. */
export function encodeEntries(entries: Iterable<LogEntry>, format: StreamFormat): string {
  let text = "";
  for (const { position, event } of entries) {
    const data = format === "json" ? JSON.stringify(event) : lineOf(event);
    text += `id: ${formatPosition(position)}\ndata: ${data}\n\n`;
    if (isEndOfJob(event)) text += DONE;
  }
  return text;
}

/** An event that is told now and not kept: it has no id, so a reader's place in the log stays where it was. */
export const encodeNotice = (event: JobEvent, format: StreamFormat): string =>
  `data: ${format === "json" ? JSON.stringify(event) : lineOf(event)}\n\n`;

/** One event as one line of text. */
export function lineOf(event: JobEvent): string {
  switch (event.type) {
    case "token":
      return `[TOKEN] ${JSON.stringify(event.text)}`;
    case "narration":
      return `[${event.level.toUpperCase()}] ${oneLine(event.human)}`;
    case "progress":
      return `[INFO] ${progressLine(event)}`;
    case "state":
      return event.state === "cancelled" ? "[CANCELLED]" : `[INFO] ${stateLine(event)}`;
    case "attempt":
      return `[INFO] ${attemptLine(event)}`;
    case "result":
      return JSON.stringify(event.result);
    case "error":
      return `[ERROR] ${event.code}: ${oneLine(event.detail)} (${oneLine(event.hint)})`;
  }
}

function attemptLine({ attempt, hive_id, tokens_kept }: Extract<JobEvent, { type: "attempt" }>): string {
  const how = tokens_kept === 0 ? "begins anew" : `goes on behind ${tokens_kept} tokens`;
  return `Attempt ${attempt}: ${hive_id} ${how}`;
}

function stateLine(event: Extract<JobEvent, { type: "state" }>): string {
  if (event.state === "dispatched") return `Given to ${event.hive_id ?? "a hive"}`;
  const place =
    event.position === undefined ? "Waiting in the queue" : `Waiting in the queue, position ${event.position}`;
  return event.reason === undefined ? place : `${place}: ${oneLine(event.reason)}`;
}

function progressLine({ done, total, unit }: Extract<JobEvent, { type: "progress" }>): string {
  if (unit === "percent") return `${Math.floor(done)} %`;
  return total === undefined
    ? `${done} ${unit}`
    : `${Math.floor((100 * done) / Math.max(total, 1))} % (${done} of ${total} ${unit})`;
}

/** Control characters would break the line protocol, or a terminal. */
// oxlint-disable-next-line no-control-regex
const oneLine = (text: string): string => text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, " ");
