import { limits } from "@rbee/contracts";
import {
  DONE,
  encodeEntries,
  isAfter,
  isEnded,
  isEndOfJob,
  parsePosition,
  type LogEntry,
  type Position,
  type StreamFormat,
} from "@rbee/job-core";
import type { Job } from "../queen/job.ts";

/** What a reader has been sent. Kept with its socket, so that it survives hibernation. */
interface Attachment {
  readonly format: StreamFormat;
  readonly sent: Position;
}

/** Characters of backlog per message: small enough that a slow reader never makes one huge string. */
const BACKLOG_CHUNK_ENTRIES = 500;

/**
 * Everyone who reads this job. A reader is a socket from a Worker that writes what it gets to the client as server-sent
 * events: the object sleeps between frames, and the Worker keeps the time for keep-alives.
 */
export class Readers {
  readonly #ctx: DurableObjectState;

  constructor(ctx: DurableObjectState) {
    this.#ctx = ctx;
  }

  /** @param url `?after=<position>&format=text|json`, and `&resume` when a browser reconnects by itself */
  accept(url: URL, job: Job): Response {
    const format: StreamFormat = url.searchParams.get("format") === "json" ? "json" : "text";
    const after = parsePosition(url.searchParams.get("after") ?? "0.0");
    // An EventSource that has read everything would reconnect for ever; 204 tells it to stop. [READ-4]
    const allRead = isEnded(job.phase) && !isAfter(job.log.end, after);
    if (allRead && url.searchParams.has("resume")) return new Response(null, { status: 204 });
    if (this.#ctx.getWebSockets("reader").length >= limits.readers_per_job_max)
      return new Response(null, { status: 429 });
    const { 0: client, 1: server } = new WebSocketPair();
    this.#ctx.acceptWebSocket(server, ["reader"]);
    this.#replay(server, { format, after, job });
    if (isEnded(job.phase)) server.close(1000, "done");
    return new Response(null, { status: 101, webSocket: client });
  }

  #replay(ws: WebSocket, { format, after, job }: { format: StreamFormat; after: Position; job: Job }): void {
    let sent = after;
    let batch: LogEntry[] = [];
    const flush = () => {
      if (batch.length > 0) ws.send(encodeEntries(batch, format));
      batch = [];
    };
    for (const entry of job.log.after(after)) {
      batch.push(entry);
      sent = entry.position;
      if (batch.length >= BACKLOG_CHUNK_ENTRIES) flush();
    }
    flush();
    // Behind the last event there is still the end to be told. [READ-3]
    if (isEnded(job.phase) && sent === after) ws.send(DONE);
    ws.serializeAttachment({ format, sent } satisfies Attachment);
  }

  /** Sends new entries to each reader that has not had them: resent events are not shown twice. [READ-1] */
  show(entries: readonly LogEntry[]): void {
    const last = entries.at(-1);
    if (last === undefined) return;
    const encoded = new Map<string, string>();
    for (const ws of this.#ctx.getWebSockets("reader")) {
      if (ws.readyState !== WebSocket.OPEN) continue;
      const { format, sent } = ws.deserializeAttachment() as Attachment;
      if (!isAfter(last.position, sent)) {
        // It asked for more than there will ever be; the end is its too. [READ-5]
        if (isEndOfJob(last.event)) {
          ws.send(DONE);
          ws.close(1000, "done");
        }
        continue;
      }
      const fresh = entries.filter((entry) => isAfter(entry.position, sent));
      const key = `${format} ${fresh.length}`;
      const text = encoded.get(key) ?? encodeEntries(fresh, format);
      encoded.set(key, text);
      ws.send(text);
      ws.serializeAttachment({ format, sent: last.position } satisfies Attachment);
      if (text.endsWith(DONE)) ws.close(1000, "done");
    }
  }
}
