import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { serveBytes, type Served } from "./serve-bytes.ts";

/*
 * A model hub on loopback that speaks the API of huggingface.co and misbehaves on command.
 *
 *   const hub = await startHub();                       // hub.url is the HF_ENDPOINT
 *   hub.addRepo("org/repo", { "x.Q4_K_M.gguf": bytes }); // files by path; LFS unless small and not a .gguf
 *   hub.addFile("/plain/x.gguf", bytes);                // a plain download at hub.url + path, with an ETag
 *   hub.faults.push({ kind: "reset", after: 1000 });    // the next request for bytes is treated so, then it is used up
 *   hub.requests                                        // what was asked, and how many bytes of each went out
 *   await hub.close();
 *
 * It serves: GET /api/models (search), /api/models/{repo}, /api/models/{repo}/revision/{rev}, /api/models/{repo}/tree/{rev},
 * HEAD and GET /{repo}/resolve/{rev}/{path} (a redirect to /cdn/… with X-Repo-Commit, X-Linked-Etag, X-Linked-Size).
 */

/** Happens to one request for bytes, or to `times` of them. `on: "api"` and `"resolve"` catch those requests instead. */
export type Fault = { readonly on?: "api" | "resolve" | "bytes"; times?: number } & (
  | { readonly kind: "no_range" }
  /** It sends the range, whether or not the file is still the one that If-Range names. */
  | { readonly kind: "ignore_if_range" }
  /** The total length it claims is off by so much. */
  | { readonly kind: "wrong_length"; readonly by: number }
  | { readonly kind: "new_etag"; readonly etag: string }
  | { readonly kind: "status"; readonly status: number; readonly retryAfter?: string }
  /** The connection breaks after so many bytes of the answer. */
  | { readonly kind: "reset"; readonly after: number }
  /** The byte at this place of the file is another. */
  | { readonly kind: "corrupt"; readonly at: number }
  | { readonly kind: "html" }
  | { readonly kind: "redirect"; readonly to: string }
  /** Nothing more comes after so many bytes of the answer, and the connection stays open. */
  | { readonly kind: "stall"; readonly after: number }
);

export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly range: string | undefined;
  readonly headers: IncomingMessage["headers"];
  /** Bytes of file content that left the hub in answer. */
  sent: number;
}

interface Repo {
  readonly commit: string;
  readonly files: Map<string, Buffer>;
  readonly gated: boolean;
  readonly licence: string;
  readonly downloads: number;
}

export interface RepoOptions {
  /** Needs the bearer token `hub.token`. */
  readonly gated?: boolean;
  readonly licence?: string;
  readonly downloads?: number;
  /** A branch or tag other than main. */
  readonly revision?: string;
}

export interface TestHub {
  readonly url: string;
  readonly port: number;
  /** Opens gated repositories. */
  readonly token: string;
  readonly faults: Fault[];
  readonly requests: Asked[];
  /** Bytes of file content that left the hub. */
  readonly sent: number;
  /** Called with every piece that is about to go out; its promise holds the piece back, `false` ends the connection. */
  onPiece: ((sentSoFar: number) => Promise<boolean | void> | boolean | void) | undefined;
  /** Bytes are fetched from this origin instead of the hub's own; its server is yours. */
  cdn: string | undefined;
  addRepo(id: string, files: Readonly<Record<string, Uint8Array>>, options?: RepoOptions): { readonly commit: string };
  addFile(path: string, bytes: Uint8Array): string;
  close(): Promise<void>;
}

export async function startHub(): Promise<TestHub> {
  const hub = new Hub();
  await hub.listen();
  return hub;
}

export const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

class Hub implements TestHub {
  readonly token = "hf_test_token";
  readonly faults: Fault[] = [];
  readonly requests: Asked[] = [];
  onPiece: TestHub["onPiece"];
  cdn: string | undefined;
  readonly #server: Server = createServer((request, response) => void this.#answer(request, response));
  readonly #repos = new Map<string, Repo>();
  /** By path: plain files, and what the repositories' files redirect to. */
  readonly #bytes = new Map<string, Served>();

  async listen(): Promise<void> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get sent(): number {
    return this.requests.reduce((sum, { sent }) => sum + sent, 0);
  }

  addRepo(id: string, files: Readonly<Record<string, Uint8Array>>, options: RepoOptions = {}): { commit: string } {
    const kept = new Map(Object.entries(files).map(([path, bytes]) => [path, Buffer.from(bytes)]));
    const content = [...kept].map(([path, bytes]) => `${path} ${sha256(bytes)}`).join("\n");
    const commit = createHash("sha1").update(content).digest("hex");
    const { gated = false, licence = "mit", downloads = 1 } = options;
    const repo: Repo = { commit, files: kept, gated, licence, downloads };
    for (const revision of [options.revision ?? "main", commit]) this.#repos.set(`${id}@${revision}`, repo);
    for (const bytes of kept.values()) {
      const hash = sha256(bytes);
      this.#bytes.set(`/cdn/${hash}`, { bytes, etag: `"${hash}"` });
    }
    return { commit };
  }

  addFile(path: string, bytes: Uint8Array): string {
    this.#bytes.set(path, { bytes: Buffer.from(bytes), etag: `"${sha256(bytes).slice(0, 16)}"` });
    return this.url + path;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", this.url);
    const path = decodeURIComponent(url.pathname);
    const { method = "GET", headers } = request;
    const asked: Asked = { method, path: path + url.search, range: headers.range, headers, sent: 0 };
    this.requests.push(asked);
    const resolve = decoded(
      /^\/(?<repo>[^/]+\/[^/]+)\/resolve\/(?<rev>[^/]+)\/(?<file>.+)$/.exec(url.pathname)?.groups,
    );
    const on = path.startsWith("/api/") ? "api" : resolve === undefined ? "bytes" : "resolve";
    const fault = this.#fault(on);
    if (fault?.kind === "status") {
      const after = fault.retryAfter === undefined ? {} : { "retry-after": fault.retryAfter };
      return void response.writeHead(fault.status, after).end("no");
    }
    if (fault?.kind === "html")
      return void response.writeHead(200, { "content-type": "text/html" }).end("<!doctype html><h1>Log in</h1>");
    if (fault?.kind === "redirect") return void response.writeHead(302, { location: fault.to }).end();
    if (on === "api") return this.#api(url, request, response);
    if (resolve !== undefined) return this.#resolve(resolve, request, response);
    const served = this.#bytes.get(path);
    if (served === undefined) return void response.writeHead(404).end();
    await serveBytes(served, { request, response, asked, fault, onPiece: () => this.onPiece?.(this.sent) });
  }

  #fault(on: "api" | "resolve" | "bytes"): Fault | undefined {
    const fault = this.faults.find((one) => (one.on ?? "bytes") === on);
    if (fault === undefined) return undefined;
    fault.times = (fault.times ?? 1) - 1;
    if (fault.times <= 0) this.faults.splice(this.faults.indexOf(fault), 1);
    return fault;
  }

  #mayRead(repo: Repo, request: IncomingMessage): boolean {
    return !repo.gated || request.headers.authorization === `Bearer ${this.token}`;
  }

  #resolve(asked: Readonly<Record<string, string>>, request: IncomingMessage, response: ServerResponse): void {
    const repo = this.#repos.get(`${asked["repo"]}@${asked["rev"]}`);
    const bytes = repo?.files.get(asked["file"] ?? "");
    if (repo === undefined || bytes === undefined) {
      return void response
        .writeHead(404, { "x-error-code": repo === undefined ? "RepoNotFound" : "EntryNotFound" })
        .end();
    }
    if (!this.#mayRead(repo, request)) return void response.writeHead(403, { "x-error-code": "GatedRepo" }).end();
    const hash = sha256(bytes);
    response.writeHead(302, {
      location: `${this.cdn ?? ""}/cdn/${hash}?signature=once`,
      "x-repo-commit": repo.commit,
      "x-linked-size": bytes.length,
      "x-linked-etag": `"${hash}"`,
    });
    response.end();
  }

  #api(url: URL, request: IncomingMessage, response: ServerResponse): void {
    const json = (body: unknown) =>
      void response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(body));
    if (url.pathname === "/api/models") return json(this.#search(url.searchParams));
    const path = /^\/api\/models\/(?<id>[^/]+\/[^/]+)(?:\/(?<what>tree|revision)\/(?<rev>[^/]+))?$/.exec(url.pathname);
    const { id = "", what = "revision", rev = "main" } = decoded(path?.groups) ?? {};
    const repo = this.#repos.get(`${id}@${rev}`);
    if (repo === undefined) {
      const known = [...this.#repos.keys()].some((key) => key.startsWith(`${id}@`));
      return void response
        .writeHead(known ? 404 : 401, { "x-error-code": known ? "RevisionNotFound" : "RepoNotFound" })
        .end("{}");
    }
    if (what === "revision") return json({ id, sha: repo.commit, gated: repo.gated ? "manual" : false });
    if (!this.#mayRead(repo, request)) return void response.writeHead(403, { "x-error-code": "GatedRepo" }).end("{}");
    return json([...repo.files].map(([path, bytes]) => treeEntry(path, bytes)));
  }

  #search(params: URLSearchParams): unknown {
    const words = (params.get("search") ?? "").toLowerCase().split(/\s+/);
    const found = [...this.#repos].filter(
      ([key]) => key.endsWith("@main") && words.every((word) => key.toLowerCase().includes(word)),
    );
    return found.slice(0, Number(params.get("limit") ?? 10)).map(([key, repo]) => ({
      id: key.slice(0, -"@main".length),
      downloads: repo.downloads,
      likes: 0,
      gated: repo.gated ? "manual" : false,
      tags: ["gguf", `license:${repo.licence}`],
    }));
  }
}

const decoded = (groups: Record<string, string | undefined> | undefined): Record<string, string> | undefined =>
  groups &&
  Object.fromEntries(
    Object.entries(groups).flatMap(([name, text]) => (text === undefined ? [] : [[name, decodeURIComponent(text)]])),
  );

function treeEntry(path: string, bytes: Buffer): unknown {
  const blob = createHash("sha1").update(`blob ${bytes.length}\0`).update(bytes).digest("hex");
  const lfs = { oid: sha256(bytes), size: bytes.length, pointerSize: 134 };
  return {
    type: "file",
    path,
    oid: blob,
    size: bytes.length,
    ...(/\.gguf$/i.test(path) ? { lfs, xetHash: lfs.oid } : {}),
  };
}
