import { limits } from "@rbee/contracts";
import { request } from "node:http";
import { afterAll, beforeAll, expect, test } from "vitest";
import { House } from "../house.ts";
import { startSlow } from "./paced.ts";

/** While a model loads nobody has anything to say; a proxy must not take that for an end. [API-2] */

/** By hand: `RBEE_SILENCE_S=190`, three minutes and what a proxy allows. */
const LOADS_S = Number(process.env["RBEE_SILENCE_S"] ?? 25);
/** The least that proxies in front of people's houses allow is 60 s. */
const GAP_MAX_MS = 15_000;

let house: House;
let model: string;
beforeAll(async () => {
  house = await House.open();
  model = await startSlow(house, "slow", LOADS_S);
});
afterAll(() => house.close());

interface Heard {
  readonly status: number;
  readonly body: string;
  /** The longest time without a byte, headers included. */
  readonly gap_ms: number;
  readonly whole_ms: number;
}

/** What comes over the wire and when, which no client library tells. */
function listen(path: string, body: object): Promise<Heard> {
  const began = performance.now();
  let last = began;
  let gap_ms = 0;
  const heard = () => {
    const now = performance.now();
    gap_ms = Math.max(gap_ms, now - last);
    last = now;
  };
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${house.key}`, "content-type": "application/json" };
    const asking = request(`${house.url}${path}`, { method: "POST", headers }, (answer) => {
      heard();
      let text = "";
      answer.setEncoding("utf8").on("data", (piece: string) => {
        heard();
        text += piece;
      });
      answer
        .on("error", reject)
        .on("end", () => resolve({ status: answer.statusCode ?? 0, body: text, gap_ms, whole_ms: last - began }));
    });
    asking.on("error", reject).end(JSON.stringify(body));
  });
}

const messages = [{ role: "user", content: "hi" }];
const prompt = "chaos seed=1 every=1";

test("no API falls silent, streamed or not, and all answer", { timeout: (LOADS_S + 60) * 1_000 }, async () => {
  const requests: readonly (readonly [path: string, body: object, keptAlive: RegExp])[] = [
    ["/v1/chat/completions", { messages, max_tokens: 5, stream: true }, /^: keep-alive\n\n[^]*data: \[DONE\]/],
    ["/v1/chat/completions", { messages, max_tokens: 5 }, /^ +\{"id":"chatcmpl-[^]*\}$/],
    ["/v1/completions", { prompt, max_tokens: 5, stream: true }, /^: keep-alive\n\n[^]*data: \[DONE\]/],
    ["/v1/responses", { input: "hi", max_output_tokens: 16, stream: true }, /: keep-alive\n\n[^]*response\.incomplete/],
    ["/v1/messages", { messages, max_tokens: 5, stream: true }, /^event: ping\n[^]*event: message_stop/],
    ["/v1/messages", { messages, max_tokens: 5 }, /^ +\{"id":"msg_[^]*\}$/],
    ["/api/chat", { messages, options: { num_predict: 5 } }, /^ +\{"model"[^]*"done":true[^]*\}\n$/],
    ["/api/generate", { prompt, raw: true, options: { num_predict: 5 }, stream: false }, /^ +\{"model"[^]*\}$/],
  ];
  const heard = await Promise.all(requests.map(([path, body]) => listen(path, { ...body, model })));
  for (const [n, { status, body, gap_ms, whole_ms }] of heard.entries()) {
    const [path = "", , keptAlive = /^$/] = requests[n] ?? [];
    expect([path, status, body]).toEqual([path, 200, expect.stringMatching(keptAlive)]);
    expect(whole_ms).toBeGreaterThan((LOADS_S - 1) * 1_000);
    expect([path, gap_ms < GAP_MAX_MS]).toEqual([path, true]);
  }
  expect(GAP_MAX_MS).toBeGreaterThan(limits.api_keepalive_ms * limits.api_keepalive_beats);
  process.stderr.write(`longest silence ${Math.max(...heard.map(({ gap_ms }) => gap_ms)).toFixed(0)} ms\n`);
});
