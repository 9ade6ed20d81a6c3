import { limits, type Narration } from "@rbee/contracts";
import {
  DONE,
  encodeEntries,
  encodeNotice,
  isAfter,
  isEnded,
  isEndOfJob,
  parsePosition,
  type LogEntry,
  type Position,
  type StreamFormat,
} from "@rbee/job-core";
import type { Job } from "../queen/job.ts";
import { confirmedBy, readerCloses } from "../reader-socket.ts";

/** What a reader wants and has been sent. Kept with its socket, so that it survives hibernation, and in memory, to be quick. */
interface Reader {
  readonly format: StreamFormat;
  readonly sent: Position;
  /** Characters that may be on their way to its client; what is confirmed is not any more. */
  readonly window: number;
  readonly unconfirmed: number;
  /** There is more in the log than fitted: it is shown nothing new until it has caught up. */
  readonly behind: boolean;
  /** Its client's leaving cancels the job: always, or only when nobody else reads it. */
  readonly cancels: "always" | "alone" | false;
}

/** Characters of backlog per message: a long log never becomes one huge string. */
const BACKLOG_CHUNK_CHARS = 16_384;

/**
 * Everyone who reads this job. A reader is a socket from a Worker that writes what it gets to the client as server-sent
 * events: the object sleeps between frames, and the Worker keeps the time for keep-alives.
 *
 * Sockets here take whatever they are given and keep it in memory, so a reader is sent no more than its window lets
 * through. One that does not keep up is left alone; when it confirms what it took, it goes on from the log. [READ-6]
 */
export class Readers {
  readonly #ctx: DurableObjectState;
  /** Filled at the first use after a wake. */
  #readers: Map<WebSocket, Reader> | undefined;

  constructor(ctx: DurableObjectState) {
    this.#ctx = ctx;
  }

  /**
   * @param url `?after=<position>&format=text|json`, `&window=<characters>` from a Worker that confirms, `&cancels` when the
   * client's leaving cancels the job (`=alone`: unless somebody else reads it), and `&resume` when a browser reconnects by itself
   */
  accept(url: URL, job: Job): Response {
    const { searchParams } = url;
    const after = parsePosition(searchParams.get("after") ?? "0.0");
    // An EventSource that has read everything would reconnect for ever; 204 tells it to stop. [READ-4]
    const allRead = isEnded(job.phase) && !isAfter(job.log.end, after);
    if (allRead && searchParams.has("resume")) return new Response(null, { status: 204 });
    if (this.#ctx.getWebSockets("reader").length >= limits.readers_per_job_max)
      return new Response(null, { status: 429 });
    const { 0: client, 1: server } = new WebSocketPair();
    this.#ctx.acceptWebSocket(server, ["reader"]);
    this.#sendFromLog(server, job, {
      format: searchParams.get("format") === "json" ? "json" : "text",
      sent: after,
      // A Worker of the version before names no window and confirms nothing.
      window: Number(searchParams.get("window") ?? Infinity),
      unconfirmed: 0,
      behind: false,
      cancels: searchParams.has("cancels") && (searchParams.get("cancels") === "alone" ? "alone" : "always"),
    });
    return new Response(null, { status: 101, webSocket: client });
  }

  /** The Worker says how many characters its client has taken: a reader that fell behind goes on from the log. [READ-6] */
  confirmed(ws: WebSocket, data: string | ArrayBuffer, job: Job): void {
    const taken = confirmedBy(data);
    if (taken === undefined || ws.readyState !== WebSocket.OPEN) return;
    const reader = readerOf(ws);
    const unconfirmed = Math.max(0, reader.unconfirmed - taken);
    if (reader.behind) this.#sendFromLog(ws, job, { ...reader, unconfirmed });
    else this.#keep(ws, { ...reader, unconfirmed });
  }

  /** @returns whether the job is to be cancelled. Only the Worker's word that the client left counts. [READ-7] */
  closed(ws: WebSocket, code: number): boolean {
    this.#readers?.delete(ws);
    if (code !== readerCloses.left.code || !this.#isReader(ws)) return false;
    const { cancels } = readerOf(ws);
    if (cancels === "alone") return [...this.#open()].every(([other]) => other === ws);
    return cancels !== false;
  }

  /** A socket that this side has closed already has no tags any more. */
  #isReader(ws: WebSocket): boolean {
    try {
      return this.#ctx.getTags(ws).includes("reader");
    } catch {
      return false;
    }
  }

  /** Sends what follows in the log, as far as the window reaches; with the end of the job it says so and closes. */
  #sendFromLog(ws: WebSocket, job: Job, reader: Reader): void {
    let { sent, unconfirmed } = reader;
    let text = "";
    let told = "";
    const flush = () => {
      if (text !== "") ws.send(text);
      unconfirmed += text.length;
      [told, text] = [text, ""];
    };
    let behind = false;
    for (const entry of job.log.after(sent)) {
      behind = unconfirmed + text.length >= reader.window;
      if (behind) break;
      text += encodeEntries([entry], reader.format);
      sent = entry.position;
      if (text.length >= BACKLOG_CHUNK_CHARS) flush();
    }
    if (text !== "") flush();
    this.#keep(ws, { ...reader, sent, unconfirmed, behind });
    if (behind || !isEnded(job.phase)) return;
    // Behind the last event there is still the end to be told. [READ-3]
    if (!told.endsWith(DONE)) ws.send(DONE);
    this.#close(ws);
  }

  /** Tells every reader that keeps up what is true now and not kept. */
  tell(notice: Narration): void {
    for (const [ws, reader] of this.#open()) {
      if (reader.behind || reader.unconfirmed >= reader.window) continue;
      const text = encodeNotice(notice, reader.format);
      ws.send(text);
      this.#keep(ws, { ...reader, unconfirmed: reader.unconfirmed + text.length });
    }
  }

  /** Sends new entries to each reader that has not had them: resent events are not shown twice. [READ-1] */
  show(entries: readonly LogEntry[]): void {
    const last = entries.at(-1);
    if (last === undefined) return;
    const encoded = new Map<string, string>();
    for (const [ws, reader] of this.#open()) {
      const { format, sent, window, unconfirmed, behind } = reader;
      if (behind) continue;
      if (!isAfter(last.position, sent)) {
        // It asked for more than there will ever be; the end is its too. [READ-5]
        if (isEndOfJob(last.event)) {
          ws.send(DONE);
          this.#close(ws);
        }
        continue;
      }
      if (unconfirmed >= window) {
        this.#keep(ws, { ...reader, behind: true });
        continue;
      }
      const fresh = entries.filter((entry) => isAfter(entry.position, sent));
      const key = `${format} ${fresh.length}`;
      const text = encoded.get(key) ?? encodeEntries(fresh, format);
      encoded.set(key, text);
      ws.send(text);
      this.#keep(ws, { ...reader, sent: last.position, unconfirmed: unconfirmed + text.length });
      if (text.endsWith(DONE)) this.#close(ws);
    }
  }

  *#open(): Generator<[WebSocket, Reader], void> {
    this.#readers ??= new Map(this.#ctx.getWebSockets("reader").map((ws) => [ws, readerOf(ws)]));
    for (const [ws, reader] of this.#readers) if (ws.readyState === WebSocket.OPEN) yield [ws, reader];
  }

  #keep(ws: WebSocket, reader: Reader): void {
    ws.serializeAttachment(reader);
    this.#readers?.set(ws, reader);
  }

  #close(ws: WebSocket): void {
    this.#readers?.delete(ws);
    ws.close(readerCloses.done.code, readerCloses.done.reason);
  }
}

const readerOf = (ws: WebSocket): Reader => ws.deserializeAttachment() as Reader;
