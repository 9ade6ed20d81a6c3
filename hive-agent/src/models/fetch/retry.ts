import { limits, RbeeError } from "@rbee/contracts";
import { setTimeout as sleep } from "node:timers/promises";
import { Backoff } from "../../link/backoff.ts";
import type { WebResponse } from "./web.ts";

/** A failure that another try may cure. */
export class Passing extends Error {
  /** The server asks to be left alone for so long. */
  readonly after_ms: number | undefined;
  constructor(message: string, options: { after_ms?: number | undefined; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.after_ms = options.after_ms;
  }
}

/** A failure that another try of the same cannot cure. */
export class Final extends Error {}

export interface Patience {
  readonly tries: number;
  readonly min_ms: number;
  readonly max_ms: number;
}

export const patience: Patience = {
  tries: limits.download_tries_max,
  min_ms: limits.download_retry_min_ms,
  max_ms: limits.download_retry_max_ms,
};

/**
 * Tries until it works. What is neither RbeeError nor Final passes: networks break in ways without number. `work` reports through
 * `moved` that it got on, which starts the count anew. @throws RbeeError download_failed when patience is out
 */
export async function retrying<T>(
  work: (moved: () => void) => Promise<T>,
  { signal, patience }: { signal: AbortSignal; patience: Patience },
): Promise<T> {
  const backoff = new Backoff(patience.min_ms, patience.max_ms);
  let tries = 0;
  const moved = () => {
    tries = 0;
    backoff.reset();
  };
  for (;;) {
    try {
      return await work(moved);
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof RbeeError || error instanceof Final) throw error;
      tries += 1;
      if (tries >= patience.tries) throw new RbeeError("download_failed", sentence(error), { cause: error });
      const asked = error instanceof Passing ? (error.after_ms ?? 0) : 0;
      if (asked > limits.download_retry_after_ms_max) {
        throw new RbeeError(
          "download_failed",
          `${sentence(error)}; it may be asked again in ${Math.round(asked / 1000)} s`,
        );
      }
      const wait = Math.max(asked, backoff.next(performance.now(), Math.random()));
      await sleep(wait, undefined, { signal }).catch(() => signal.throwIfAborted());
    }
  }
}

/** Some gateways answer 200 with their own page. @throws RbeeError download_failed */
export function refusePage({ url, header }: WebResponse): void {
  if (header("content-type")?.startsWith("text/html") !== true) return;
  throw new RbeeError("download_failed", `${url.origin} answers with a web page instead of the file: a login?`);
}

/** Judges a status that is no success. @throws Passing, RbeeError */
export function refuseStatus({ status, url, header }: WebResponse): never {
  const said = `${url.origin} answers with ${status}`;
  if (status === 408 || status === 425 || status === 429 || status >= 500)
    throw new Passing(said, { after_ms: retryAfter(header("retry-after")) });
  const code = header("x-error-code");
  if (code === "GatedRepo" || status === 403)
    throw new RbeeError("hub_refused", `${said}: the model is gated, or the token of this hive may not read it`);
  if (status === 404 || status === 401 || status === 410)
    throw new RbeeError(
      "model_not_found",
      `${said}: there is no such model, revision or file (rbee models search finds what there is), or it is private and wants HF_TOKEN`,
    );
  throw new RbeeError("download_failed", said);
}

/** Seconds, or a date. */
function retryAfter(value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  if (/^\d+$/.test(value)) return Number(value) * 1_000;
  const at = Date.parse(value);
  return Number.isNaN(at) ? undefined : Math.max(0, at - Date.now());
}

const sentence = (error: unknown): string => {
  const { message, code } = error as { message?: unknown; code?: unknown };
  const words = typeof message === "string" && message !== "" ? message : String(code ?? error);
  return words.replaceAll(/\s+/g, " ").slice(0, 256);
};
