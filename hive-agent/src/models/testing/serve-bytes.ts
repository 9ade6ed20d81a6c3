import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Asked, Fault } from "./hub.ts";

export interface Served {
  readonly bytes: Buffer;
  readonly etag: string;
}

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly asked: Asked;
  readonly fault: Fault | undefined;
  /** False: this connection is over. */
  readonly onPiece: () => Promise<boolean | void> | boolean | void;
}

const PIECE_BYTES = 16_384;

/** Answers with the bytes, or the range of them that is asked for, as a file server does; or as the fault says. */
export async function serveBytes({ bytes, etag }: Served, exchange: Exchange): Promise<void> {
  const { request, response, fault } = exchange;
  const tag = fault?.kind === "new_etag" ? fault.etag : etag;
  const ifRange = request.headers["if-range"];
  const same = ifRange === undefined || ifRange === tag || fault?.kind === "ignore_if_range";
  const ranged = fault?.kind !== "no_range" && same;
  const range = ranged ? /^bytes=(?<from>\d+)-(?<to>\d*)$/.exec(request.headers.range ?? "")?.groups : undefined;
  const from = Number(range?.["from"] ?? 0);
  const to = Math.min(bytes.length - 1, Number(range?.["to"] === "" ? bytes.length : (range?.["to"] ?? bytes.length)));
  if (from >= bytes.length) return void response.writeHead(416, { "content-range": `bytes */${bytes.length}` }).end();
  const off = fault?.kind === "wrong_length" ? fault.by : 0;
  response.writeHead(range === undefined ? 200 : 206, {
    "content-type": "application/octet-stream",
    "content-length": to - from + 1 + off,
    etag: tag,
    ...(fault?.kind === "no_range" ? {} : { "accept-ranges": "bytes" }),
    ...(range === undefined ? {} : { "content-range": `bytes ${from}-${to}/${bytes.length + off}` }),
  });
  if (request.method === "HEAD") return void response.end();
  await send({ bytes, from, to }, exchange);
}

async function send(
  { bytes, from, to }: { bytes: Buffer; from: number; to: number },
  { response, asked, fault, onPiece }: Exchange,
): Promise<void> {
  const gone = once(response, "close");
  const stop = fault?.kind === "reset" || fault?.kind === "stall" ? from + fault.after : Infinity;
  for (let at = from; at <= to && !response.destroyed;) {
    if ((await onPiece()) === false) return void response.destroy();
    if (response.destroyed) return;
    const end = Math.min(at + PIECE_BYTES, to + 1, stop);
    const piece = Buffer.from(bytes.subarray(at, end));
    if (fault?.kind === "corrupt" && fault.at >= at && fault.at < end) {
      piece.writeUInt8(piece.readUInt8(fault.at - at) ^ 1, fault.at - at);
    }
    const taken = response.write(piece);
    asked.sent += piece.length;
    at = end;
    if (at < stop) {
      if (!taken) await Promise.race([once(response, "drain"), gone]);
      continue;
    }
    if (fault?.kind === "stall") await gone;
    // What was written has to leave before the connection breaks.
    await new Promise((left) => response.write("", left));
    return void response.destroy();
  }
  if (fault?.kind === "wrong_length") return void response.destroy();
  response.end();
}
