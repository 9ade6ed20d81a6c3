import { limits, quantRank, RbeeError, readFileName, sameQuant } from "@rbee/contracts";
import path from "node:path";
import { z } from "zod";
import type { Digest } from "./download/verify.ts";
import { refuseStatus, retrying, type Patience } from "./fetch/retry.ts";
import { readJson, type Web, type WebResponse } from "./fetch/web.ts";
import type { Source } from "./source.ts";

/** A file of a repository. */
export interface HubFile {
  /** Inside the repository; safe to put below a folder. */
  readonly path: string;
  readonly size: number;
  readonly digest: Digest;
}

/** What to fetch: the files of one model, at one commit. */
export interface HubPlan {
  readonly repo: string;
  readonly revision: string;
  readonly commit: string;
  /** In the order of their parts. */
  readonly files: readonly HubFile[];
}

const Hex = (digits: number) => z.string().regex(new RegExp(`^[0-9a-f]{${digits}}$`));
const size = z.int().positive().max(limits.download_bytes_max);
const TreeEntry = z.object({
  type: z.literal("file"),
  path: z.string().max(512),
  size,
  oid: Hex(40),
  lfs: z.object({ oid: Hex(64), size }).optional(),
});
const Tree = z.array(z.unknown()).max(limits.hub_files_max);

/** The API of huggingface.co, or of a mirror. */
export class Hub {
  readonly #web: Web;
  readonly #patience: Patience;

  constructor(web: Web, patience: Patience) {
    this.#web = web;
    this.#patience = patience;
  }

  urlOf({ repo, commit }: Pick<HubPlan, "repo" | "commit">, file: HubFile): URL {
    return this.#url([repo, "resolve", encodeURIComponent(commit), encodePath(file.path)]);
  }

  /** Chooses the files. @throws RbeeError model_not_found, which names what there is */
  async plan(source: Extract<Source, { kind: "hub" }>, signal: AbortSignal): Promise<HubPlan> {
    const { repo, revision = "main" } = source;
    const files = chooseFiles(await this.#tree(repo, revision, signal), source);
    const [first] = files;
    if (first === undefined) throw new RbeeError("internal");
    const url = this.#url([repo, "resolve", encodeURIComponent(revision), encodePath(first.path)]);
    const named = await this.#ask(url, { method: "HEAD", signal }, async ({ header }) => header("x-repo-commit"));
    const commit = named ?? revision;
    if (!isSafePath(commit)) throw new RbeeError("download_failed", `${this.#web.endpoint.origin} names no commit`);
    return { repo, revision, commit, files };
  }

  async #tree(repo: string, revision: string, signal: AbortSignal): Promise<HubFile[]> {
    const files: HubFile[] = [];
    const first = this.#url(["api", "models", repo, "tree", encodeURIComponent(revision)]);
    first.searchParams.set("recursive", "true");
    for (let next: URL | undefined = first; next !== undefined && files.length < limits.hub_files_max;) {
      const url: URL = next;
      const page = await this.#ask(url, { method: "GET", signal }, async (response) => ({
        entries: Tree.safeParse(await readJson(response)),
        next: nextPage(response),
      }));
      if (!page.entries.success)
        throw new RbeeError("download_failed", `${url.origin} does not list files: is it a hub?`);
      files.push(...page.entries.data.flatMap(fileOf));
      next = page.next;
    }
    return files;
  }

  /** Asks until there is an answer, and reads it. */
  async #ask<T>(
    url: URL,
    { method, signal }: { method: "GET" | "HEAD"; signal: AbortSignal },
    read: (response: WebResponse) => Promise<T>,
  ): Promise<T> {
    return await retrying(
      async () => {
        const timeout = AbortSignal.any([signal, AbortSignal.timeout(limits.hub_answer_ms)]);
        const response = await this.#web.fetch(url, { method, signal: timeout, follow: method === "GET" });
        const { status } = response;
        try {
          if (status !== 200 && (method === "GET" || status < 300 || status >= 400)) refuseStatus(response);
          return await read(response);
        } finally {
          response.body.destroy();
        }
      },
      { signal, patience: this.#patience },
    );
  }

  /** A branch may have slashes in its name, which are none of the path. */
  #url(parts: readonly string[]): URL {
    const base = this.#web.endpoint.href.replace(/\/+$/, "");
    return new URL(`${base}/${parts.join("/")}`);
  }
}

const encodePath = (file: string): string => file.split("/").map(encodeURIComponent).join("/");

/** Relative, inside, and made of ordinary characters. [MODEL-6] */
export const isSafePath = (file: string): boolean =>
  file.length <= 512 &&
  file.split("/").every((segment) => /^[\w(+][\w .()+@=,-]*$/.test(segment) && !segment.includes(".."));

function fileOf(entry: unknown): HubFile[] {
  const file = TreeEntry.safeParse(entry);
  if (!file.success || !isSafePath(file.data.path)) return [];
  const { path, size, oid, lfs } = file.data;
  const digest: Digest =
    lfs === undefined ? { algorithm: "git-sha1", hex: oid } : { algorithm: "sha256", hex: lfs.oid };
  return [{ path, size: lfs?.size ?? size, digest }];
}

/** Long lists come in pages. */
function nextPage({ url, header }: WebResponse): URL | undefined {
  const next = /<(?<next>[^>]+)>\s*;\s*rel="?next"?/.exec(header("link") ?? "")?.groups?.["next"];
  const page = next === undefined ? null : URL.parse(next, url.href);
  return page?.origin === url.origin ? page : undefined;
}

interface Candidate {
  readonly quant: string | undefined;
  readonly parts: number;
  readonly files: HubFile[];
}

/** The files of the model that is meant: all parts of it, and of one quantisation. */
function chooseFiles(tree: readonly HubFile[], { repo, quant, file }: Extract<Source, { kind: "hub" }>): HubFile[] {
  const candidates = candidatesOf(tree);
  const meant = candidates
    .filter((one) => (file === undefined ? isModel(one) : one.files.some((part) => part.path === file)))
    .filter((one) => quant === undefined || sameQuant(one.quant, quant))
    .toSorted((one, other) => quantRank(one.quant) - quantRank(other.quant) || bytesOf(one) - bytesOf(other));
  const [chosen] = meant;
  if (chosen === undefined)
    throw new RbeeError("model_not_found", whyNot(repo, { tree, candidates, wanted: quant ?? file }));
  if (chosen.files.length !== chosen.parts)
    throw new RbeeError(
      "model_not_found",
      `${repo} has only ${chosen.files.length} of the ${chosen.parts} files of that model`,
    );
  return chosen.files.toSorted((one, other) => (one.path < other.path ? -1 : 1));
}

function candidatesOf(tree: readonly HubFile[]): Candidate[] {
  const candidates = new Map<string, Candidate>();
  for (const file of tree) {
    const name = readFileName(path.posix.basename(file.path));
    if (name === undefined) continue;
    const key = [path.posix.dirname(file.path), name.base, name.quant?.toUpperCase(), name.parts].join("\n");
    const candidate = candidates.get(key) ?? { quant: name.quant, parts: name.parts, files: [] };
    candidate.files.push(file);
    candidates.set(key, candidate);
  }
  return [...candidates.values()];
}

/** Projectors and importance matrices come as GGUF too, and answer nothing. */
const isModel = ({ files }: Candidate): boolean =>
  !files.some(({ path: file }) => /(^|[-_./])(mmproj|imatrix)([-_.]|$)/i.test(path.posix.basename(file)));

const bytesOf = ({ files }: Candidate): number => files.reduce((sum, { size }) => sum + size, 0);

function whyNot(
  repo: string,
  {
    tree,
    candidates,
    wanted,
  }: { tree: readonly HubFile[]; candidates: readonly Candidate[]; wanted: string | undefined },
): string {
  if (candidates.length === 0) {
    const other = tree.some(({ path }) => path.endsWith(".safetensors"))
      ? ", only safetensors: look for a GGUF conversion of it"
      : "";
    return `${repo} has no GGUF files${other}`;
  }
  const NAMES_SHOWN = 20;
  const there = candidates.flatMap(({ quant, files }) => quant ?? files[0]?.path ?? []).slice(0, NAMES_SHOWN);
  return `${repo} has no ${JSON.stringify(wanted)}; it has ${[...new Set(there)].join(", ")}`;
}
