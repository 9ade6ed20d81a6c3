import { limits, scopes } from "@rbee/contracts";
import { formatPosition } from "@rbee/job-core";
import type { Holder, ReaderQuery } from "@rbee/job-http";

/** The socket between a Worker, which holds a client's stream, and the job's object that fills it. */

/** What the Worker asks for on behalf of a client. */
export interface ReaderRequest extends Omit<ReaderQuery, "cancels"> {
  /** Its client's leaving cancels the job: always, or only when nobody else reads it. */
  readonly cancels: "always" | "alone" | false;
}

/** Says whose reader it is, and how much the object may send ahead of what the client has taken. */
export function readerUrl({ key_id, scope }: Holder, request: ReaderRequest): string {
  const { format, after, resume, submitting, cancels } = request;
  const query = new URLSearchParams({ key_id, scope, format, after: formatPosition(after) });
  query.set("window", String(limits.reader_window_chars));
  if (resume) query.set("resume", "");
  if (submitting) query.set("submitting", "");
  if (cancels !== false) query.set("cancels", cancels);
  return `https://job/reader?${query.toString()}`;
}

/** Whose reader it is; nobody's, who may see nothing, if it does not say. */
export function readerPrincipal({ searchParams }: URL): Holder {
  const scope = scopes.find((one) => one === searchParams.get("scope")) ?? "infer";
  return { key_id: searchParams.get("key_id") ?? "", scope };
}

/** What the Worker says when its client has taken so many more characters. */
export const confirmation = (chars: number): string => String(chars);

/** @returns characters; `undefined` for what is no confirmation */
export const confirmedBy = (data: string | ArrayBuffer): number | undefined =>
  typeof data === "string" && /^\d{1,9}$/.test(data) ? Number(data) : undefined;

/** Why either side closes it. Nothing else is a client's own leaving: a Worker that was stopped says nothing. */
export const readerCloses = {
  done: { code: 1000, reason: "done" },
  left: { code: 4499, reason: "the client left" },
} as const;
