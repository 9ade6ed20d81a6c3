import fc from "fast-check";
import { connect } from "node:net";
import type { House } from "../house.ts";
import { HANG_MS } from "./sockets.ts";

/** Bytes on a connection that no client library would send. */

const HEADERS = [
  "Content-Length: 5",
  "Content-Length: 50",
  "Content-Length: -1",
  "Content-Length: 5\r\nContent-Length: 6",
  "Content-Length: 99999999999999999999",
  "Transfer-Encoding: chunked",
  "Transfer-Encoding: chunked, identity",
  "Transfer-Encoding : chunked",
  "Transfer-Encoding: \x0bchunked",
  "Transfer-Encoding: chunked\r\nContent-Length: 3",
  "Expect: 100-continue",
  "Connection: upgrade\r\nUpgrade: websocket",
  "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: x",
  `X-Long: ${"x".repeat(200_000)}`,
  "X-Bad\x00Name: 1",
  "X-Bare: a\nX-Other: b",
  " folded: yes",
  ": empty",
  "Host: a\r\nHost: b",
  "Accept: text/event-stream",
] as const;

const BODIES = [
  "",
  "5\r\nhello\r\n0\r\n\r\n",
  "fffffffffffffffff\r\n",
  "-1\r\n\r\n",
  "5;x=y\r\nhel",
  "{}",
  "\r\n\r\n",
  "0\r\n\r\nGET /health HTTP/1.1\r\nHost: x\r\n\r\n",
] as const;

const head = fc
  .tuple(
    fc.constantFrom("GET", "POST", "DELETE", "get", "G\x00T", "PRI", ""),
    fc.constantFrom(
      "/v1/jobs",
      "/health",
      "/v1/jobs/x/stream",
      "http://evil/v1/jobs",
      "*",
      "//",
      "/%zz",
      "/v1/hives/connect",
      "/v1/lanes/x",
    ),
    fc.constantFrom("HTTP/1.1", "HTTP/1.0", "HTTP/2.0", "HTTP/9", ""),
    fc.subarray([...HEADERS], { maxLength: 3 }),
    fc.constantFrom(...BODIES),
  )
  .map(([method, path, version, headers, body]) =>
    Buffer.from(`${method} ${path} ${version}\r\n${["Host: x", ...headers].join("\r\n")}\r\n\r\n${body}`, "latin1"),
  );

const honest = Buffer.from("GET /health HTTP/1.1\r\nHost: x\r\n\r\n");

export const rawInputs: fc.Arbitrary<Buffer> = fc.oneof(
  { weight: 6, arbitrary: head },
  { weight: 2, arbitrary: fc.array(head, { minLength: 2, maxLength: 5 }).map((requests) => Buffer.concat(requests)) },
  { weight: 1, arbitrary: head.map((bytes) => Buffer.concat([honest, honest, bytes, honest])) },
  { weight: 2, arbitrary: fc.uint8Array({ minLength: 1, maxLength: 400 }).map((bytes) => Buffer.from(bytes)) },
);

/** The queen's HTTP engine refuses by itself what is no HTTP; a method that it does not know is the one 5xx it has. */
const OF_THE_ENGINE = /^HTTP\/1\.1 501 Not Implemented\r\n[^]*ERROR: /;

/** Sends the bytes and nothing more: there is an answer below 500, or none, and the connection ends. */
export async function send(house: House, bytes: Buffer): Promise<void> {
  const socket = connect(Number(new URL(house.url).port), "127.0.0.1");
  let answer = "";
  socket.setEncoding("latin1").on("data", (text: string) => (answer += text));
  socket.on("error", () => undefined);
  // Not `once`, which takes a reset for a failure: whoever talks like this may be hung up on.
  const closed = new Promise((resolve) => socket.once("close", resolve));
  const timer = setTimeout(() => socket.destroy(new Error("hangs")), HANG_MS);
  let hangs = false;
  socket.on("error", ({ message }) => (hangs ||= message === "hangs"));
  socket.end(bytes);
  await closed;
  clearTimeout(timer);
  if (hangs) throw new Error("the connection hangs");
  if (/^HTTP\/1\.1 5\d\d/m.test(answer) && !OF_THE_ENGINE.test(answer))
    throw new Error(`answered ${answer.slice(0, 500)}`);
}
