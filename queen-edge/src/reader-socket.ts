import { limits } from "@rbee/contracts";

/** The socket between a Worker, which holds a client's stream, and the job's object that fills it. */

/** Part of the Worker's request: how much the object may send ahead of what the client has taken. */
export const READER_WINDOW = `window=${limits.reader_window_chars}`;

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
