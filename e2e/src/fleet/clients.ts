import Anthropic from "@anthropic-ai/sdk";
import { Ollama } from "ollama";
import OpenAI from "openai";
import type { House } from "../house.ts";

/** How a request ended: with what its client was shown, and with the tokens that the answer counts or an error. */
export interface Ending {
  readonly way: string;
  readonly text: string;
  readonly tokens?: number;
  readonly error?: unknown;
}

type Say = (text: string | undefined) => void;

/** One request. @returns tokens of the answer, as it counts them itself */
type Way = (say: Say, prompt: string, max_tokens: number) => Promise<number | undefined>;

/** The same request by the clients that people have, whole and streamed. */
export class Clients {
  readonly #ways: readonly [name: string, way: Way][];

  constructor(house: House, model: string) {
    this.#ways = Object.entries({ ...openAi(house, model), ...others(house, model) });
  }

  /** The nth request goes the nth way, round and round. Never throws: an error is an ending, too. */
  async ask(n: number, { prompt, max_tokens }: { prompt: string; max_tokens: number }): Promise<Ending> {
    const [name, way] = this.#ways[n % this.#ways.length] ?? (["", async () => undefined] as const);
    let text = "";
    try {
      const tokens = await way((piece = "") => (text += piece), prompt, max_tokens);
      return { way: name, text, ...(tokens === undefined ? {} : { tokens }) };
    } catch (error) {
      return { way: name, text, error };
    }
  }
}

function openAi({ url, key }: House, model: string): Record<string, Way> {
  const openai = new OpenAI({ baseURL: `${url}/v1`, apiKey: key, maxRetries: 0 });
  const request = { model, temperature: 0 };
  return {
    "openai, whole": async (say, prompt, max_tokens) => {
      const { choices, usage } = await openai.completions.create({ ...request, prompt, max_tokens });
      say(choices[0]?.text);
      return usage?.completion_tokens;
    },
    "openai, streamed": async (say, prompt, max_tokens) => {
      const streaming = { stream: true as const, stream_options: { include_usage: true } };
      let tokens: number | undefined;
      const stream = await openai.completions.create({ ...request, prompt, max_tokens, ...streaming });
      for await (const { choices, usage } of stream) {
        say(choices[0]?.text);
        tokens = usage?.completion_tokens ?? tokens;
      }
      return tokens;
    },
  };
}

function others({ url, key }: House, model: string): Record<string, Way> {
  const anthropic = new Anthropic({ baseURL: url, apiKey: key, maxRetries: 0 });
  const ollama = new Ollama({ host: url, headers: { authorization: `Bearer ${key}` } });
  const request = { model, temperature: 0 };
  return {
    "anthropic, whole": async (say, prompt, max_tokens) => {
      const messages = [{ role: "user" as const, content: prompt }];
      const { content, usage } = await anthropic.messages.create({ ...request, max_tokens, messages });
      for (const block of content) if (block.type === "text") say(block.text);
      return usage.output_tokens;
    },
    "ollama, streamed": async (say, prompt, num_predict) => {
      let tokens: number | undefined;
      const options = { temperature: 0, num_predict };
      for await (const part of await ollama.generate({ model, prompt, raw: true, options, stream: true })) {
        say(part.response);
        if (part.done) tokens = part.eval_count;
      }
      return tokens;
    },
  };
}
