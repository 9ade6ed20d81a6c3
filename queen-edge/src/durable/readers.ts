import { limits, type Narration } from "@rbee/contracts";
import {
  encodeEntries,
  encodeNotice,
  isAfter,
  isEnded,
  parsePosition,
  readOn,
  showNew,
  type LogEntry,
  type Progress,
  type Reading,
  type StreamFormat,
} from "@rbee/job-core";
import type { Job } from "../queen/job.ts";
import { keyEnded, keyTag } from "../key-sockets.ts";
import { confirmedBy, readerCloses, readerPrincipal } from "../reader-socket.ts";

/** What a reader wants and has been sent. Kept with its socket, so that it survives hibernation, and in memory, to be quick. */
interface Reader extends Reading {
  /** Its client's leaving cancels the job: always, or only when nobody else reads it. */
  readonly cancels: "always" | "alone" | false;
}

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
    this.#ctx.acceptWebSocket(server, ["reader", keyTag(readerPrincipal(url).key_id)]);
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
    return this.#cancels(ws);
  }

  /** The key is worthless: nobody reads with it any more. @returns whether the job is to be cancelled, as if they had left [KEY-3] */
  dismiss(key_id: string): boolean {
    const theirs = this.#ctx.getWebSockets(keyTag(key_id)).filter((ws) => ws.readyState === WebSocket.OPEN);
    return (
      theirs.filter((ws) => {
        this.#close(ws, keyEnded);
        return this.#cancels(ws);
      }).length > 0
    );
  }

  #cancels(ws: WebSocket): boolean {
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

  #sendFromLog(ws: WebSocket, job: Job, reader: Reader): void {
    const { log, phase } = job;
    this.#moved(
      ws,
      readOn(reader, { log, ended: isEnded(phase) }, (text) => ws.send(text)),
    );
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

  /** Sends new entries to each reader that has not had them; encoded once for all who have had the same. */
  show(entries: readonly LogEntry[]): void {
    const encoded = new Map<string, string>();
    const encode = (fresh: readonly LogEntry[], format: StreamFormat): string => {
      const key = `${format} ${fresh.length}`;
      const text = encoded.get(key) ?? encodeEntries(fresh, format);
      encoded.set(key, text);
      return text;
    };
    for (const [ws, reader] of this.#open()) {
      const shown = showNew(reader, entries, { encode, write: (text) => ws.send(text) });
      if (shown.done || shown.reading !== reader) this.#moved(ws, shown);
    }
  }

  *#open(): Generator<[WebSocket, Reader], void> {
    this.#readers ??= new Map(this.#ctx.getWebSockets("reader").map((ws) => [ws, readerOf(ws)]));
    for (const [ws, reader] of this.#readers) if (ws.readyState === WebSocket.OPEN) yield [ws, reader];
  }

  #moved(ws: WebSocket, { reading, done }: Progress<Reader>): void {
    this.#keep(ws, reading);
    if (done) this.#close(ws);
  }

  #keep(ws: WebSocket, reader: Reader): void {
    ws.serializeAttachment(reader);
    this.#readers?.set(ws, reader);
  }

  #close(ws: WebSocket, { code, reason }: { code: number; reason: string } = readerCloses.done): void {
    this.#readers?.delete(ws);
    ws.close(code, reason);
  }
}

const readerOf = (ws: WebSocket): Reader => ws.deserializeAttachment() as Reader;
