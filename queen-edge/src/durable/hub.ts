import { limits, RbeeError } from "@rbee/contracts";
import type { Env } from "../env.ts";
import type { Hub } from "../queen/model-search.ts";

const HUB_URL = "https://huggingface.co";

/** The hub's API over HTTPS, or the one that the owner set as HF_ENDPOINT. */
export function hubOf(env: Env): Hub {
  const url = (env.HF_ENDPOINT ?? HUB_URL).replace(/\/+$/, "");
  return { url, ask: (path, query) => askHub(url, `${path}?${new URLSearchParams(query).toString()}`) };
}

async function askHub(hub: string, path: string): Promise<unknown> {
  const failed = (why: string, cause?: unknown) => new RbeeError("download_failed", `${hub} ${why}`, { cause });
  const response = await fetch(`${hub}/${path}`, {
    headers: { "user-agent": "rbee-queen", accept: "application/json" },
    signal: AbortSignal.timeout(limits.hub_answer_ms),
  }).catch((error: unknown) => {
    throw failed("does not answer", error);
  });
  if (!response.ok) {
    await response.body?.cancel();
    throw failed(`answers with ${response.status}`);
  }
  const text = await boundedText(response);
  if (text === undefined) throw failed("answers with too much");
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw failed("does not answer with JSON: is it a hub?", cause);
  }
}

async function boundedText({ body }: Response): Promise<string | undefined> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const piece of body ?? []) {
    text += decoder.decode(piece as Uint8Array, { stream: true });
    if (text.length > limits.hub_answer_bytes_max) return undefined;
  }
  return text + decoder.decode();
}
