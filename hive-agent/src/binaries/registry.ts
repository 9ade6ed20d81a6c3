import { limits, RbeeError } from "@rbee/contracts";
import { z } from "zod";

/** One version of a package, as an npm registry offers it. */
export interface Offered {
  readonly url: string;
  /** Base64 of the sha512 that the tarball must have. */
  readonly sha512: string;
}

const Version = z.object({
  name: z.string(),
  version: z.string(),
  dist: z.object({ tarball: z.url({ protocol: /^https?$/ }), integrity: z.string().max(1_024) }),
});

/** An npm registry: RBEE_NPM_REGISTRY, or the public one. */
export class Registry {
  readonly #base: string;

  constructor(base: string = process.env["RBEE_NPM_REGISTRY"] ?? "https://registry.npmjs.org") {
    this.#base = base.replace(/\/+$/, "");
  }

  /** @throws RbeeError download_failed */
  async version(name: string, version: string, signal: AbortSignal): Promise<Offered> {
    const url = `${this.#base}/${name.replace("/", "%2f")}/${version}`;
    const parsed = Version.safeParse(await this.#json(url, signal));
    if (!parsed.success || parsed.data.name !== name || parsed.data.version !== version) {
      throw new RbeeError("download_failed", `${this.#host} said nothing sensible about ${name} ${version}`);
    }
    const { tarball, integrity } = parsed.data.dist;
    const sha512 = /(?:^|\s)sha512-(?<hash>[A-Za-z0-9+/]{86}==)(?:$|\s)/.exec(integrity)?.groups?.["hash"];
    if (sha512 === undefined) throw new RbeeError("download_failed", `${this.#host} has no sha512 of ${name}`);
    return { url: tarball, sha512 };
  }

  /** Bytes of a tarball; undefined when the registry does not say. */
  async size({ url }: Offered, signal: AbortSignal): Promise<number | undefined> {
    const response = await fetch(url, { method: "HEAD", signal: bounded(signal) }).catch(() => undefined);
    const length = Number(response?.ok === true ? response.headers.get("content-length") : Number.NaN);
    return Number.isSafeInteger(length) && length > 0 ? length : undefined;
  }

  get #host(): string {
    return URL.canParse(this.#base) ? new URL(this.#base).host : "the registry";
  }

  async #json(url: string, signal: AbortSignal): Promise<unknown> {
    try {
      const response = await fetch(url, { signal: bounded(signal), headers: { accept: "application/json" } });
      if (response.ok) return (await response.json()) as unknown;
      await response.body?.cancel();
      throw new Error(`it answered ${response.status}`);
    } catch (error) {
      signal.throwIfAborted();
      const why = error instanceof Error ? (error.cause instanceof Error ? error.cause.message : error.message) : "";
      throw new RbeeError("download_failed", `${this.#host} cannot be asked: ${why}`, { cause: error });
    }
  }
}

const bounded = (signal: AbortSignal): AbortSignal =>
  AbortSignal.any([signal, AbortSignal.timeout(limits.registry_wait_ms)]);
