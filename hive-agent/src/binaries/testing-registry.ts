import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import os from "node:os";
import path from "node:path";
import { create } from "tar";

/** An npm registry on loopback that offers one package and misbehaves on command. */
export interface TestRegistry {
  readonly url: string;
  readonly size: number;
  /** The `Range` of each request for the tarball so far. */
  readonly ranges: (string | undefined)[];
  /** What the next answers are like; used up one by one. */
  readonly faults: Fault[];
  close(): Promise<void>;
}

type Fault =
  /** The connection breaks after so many bytes. */
  | { readonly kind: "cut"; readonly after: number }
  | { readonly kind: "corrupt" }
  /** The whole file, whatever range was asked for. */
  | { readonly kind: "no_range" };

/** Packs a folder as npm would, and serves it under this name and version. */
export async function startRegistry(offer: { name: string; version: string; folder: string }): Promise<TestRegistry> {
  const bytes = await pack(offer.folder);
  const ranges: (string | undefined)[] = [];
  const faults: Fault[] = [];
  const server = createServer((request, response) => {
    if (request.url?.endsWith(".tgz") !== true) return describe(request, response);
    if (request.method === "HEAD") return void response.writeHead(200, { "content-length": bytes.length }).end();
    ranges.push(request.headers.range);
    sendBytes({ request, response }, bytes, faults.shift());
  });
  const describe = (request: IncomingMessage, response: ServerResponse) => {
    const known = request.url === `/${offer.name.replace("/", "%2f")}/${offer.version}`;
    if (!known) return void response.writeHead(404).end("{}");
    const integrity = `sha512-${createHash("sha512").update(bytes).digest("base64")}`;
    const tarball = `${urlOf(server)}/package.tgz`;
    const { name, version } = offer;
    response.writeHead(200, { "content-type": "application/json" });
    response.end(JSON.stringify({ name, version, dist: { integrity, tarball } }));
  };
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const close = async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return { url: urlOf(server), size: bytes.length, ranges, faults, close };
}

const urlOf = (server: Server): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

function sendBytes(
  { request, response }: { request: IncomingMessage; response: ServerResponse },
  bytes: Buffer,
  fault: Fault | undefined,
): void {
  const asked = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? 0);
  if (asked >= bytes.length) return void response.writeHead(416).end();
  const from = fault?.kind === "no_range" ? 0 : asked;
  const body = Buffer.from(bytes.subarray(from));
  if (fault?.kind === "corrupt") body[Math.floor(body.length / 2)]! ^= 1;
  const range = from > 0 ? { "content-range": `bytes ${from}-${bytes.length - 1}/${bytes.length}` } : {};
  response.writeHead(from > 0 ? 206 : 200, { "content-length": body.length, ...range });
  if (fault?.kind === "cut")
    response.write(body.subarray(0, fault.after), () => setImmediate(() => response.destroy()));
  else response.end(body);
}

async function pack(folder: string): Promise<Buffer> {
  const temporary = await mkdtemp(path.join(os.tmpdir(), "rbee-pack-"));
  const file = path.join(temporary, "package.tgz");
  // Level 1: what is tested is not the packing.
  await create({ file, cwd: folder, gzip: { level: 1 }, prefix: "package" }, ["."]);
  const bytes = await readFile(file);
  await rm(temporary, { recursive: true, force: true });
  return bytes;
}
