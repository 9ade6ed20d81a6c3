import { limits, RbeeError, type Generation, type Logprob, type ToolCall } from "@rbee/contracts";
import { z } from "zod";
import { events, postJson, refusal, type ApiServer } from "./api.ts";
import { unit } from "./unit.ts";
import type { Embeddings, EmbedWork, Engine, GenerationEnd, GenerationWork, Sink } from "./protocol.ts";
import { Slots } from "./slots.ts";

export interface ApiModel {
  readonly server: ApiServer;
  /** What the server calls the model. */
  readonly model: string;
  readonly slots: number;
  /** Whether a prompt that is not raw is a question to a chat model. */
  readonly chat: boolean;
}

const Counts = z.object({
  prompt_tokens: z.int().nonnegative().default(0),
  completion_tokens: z.int().nonnegative().default(0),
  prompt_tokens_details: z
    .object({ cached_tokens: z.int().nonnegative().nullish() })
    .nullish()
    .transform((details) => details?.cached_tokens ?? 0),
});

const Vectors = z.object({
  data: z.array(z.object({ index: z.int().nonnegative(), embedding: z.array(z.number()) })),
  usage: z.object({ prompt_tokens: z.int().nonnegative() }).nullish(),
});

const CallDelta = z.object({
  index: z.int().nonnegative().max(limits.tool_calls_max).default(0),
  id: z.string().max(limits.tool_call_id_chars_max).nullish(),
  function: z.object({ name: z.string().nullish(), arguments: z.string().nullish() }).nullish(),
});

const Likely = z.object({
  token: z.string(),
  logprob: z.number(),
  bytes: z
    .array(z.int())
    .max(1_024)
    .nullish()
    .transform((bytes) => bytes ?? []),
});
/** As chats have them; what a plain completion has is another shape, and is left out. */
const Likelihoods = z.object({
  content: z.array(Likely.extend({ top_logprobs: z.array(Likely).max(limits.logprobs_max).default([]) })).nullish(),
});

const Chunk = z.object({
  choices: z
    .array(
      z.object({
        text: z.string().nullish(),
        delta: z.object({ content: z.string().nullish(), tool_calls: z.array(CallDelta).nullish() }).nullish(),
        finish_reason: z.string().nullish(),
        logprobs: Likelihoods.nullish().catch(undefined),
      }),
    )
    .default([]),
  usage: Counts.nullish(),
  timings: z.object({ prompt_ms: z.number().nonnegative(), predicted_ms: z.number().nonnegative() }).nullish(),
  error: z.unknown().optional(),
});
type Chunk = z.infer<typeof Chunk>;

/** Generates by asking a server that speaks OpenAI's API. One request per slot; the others wait here. */
export class ApiEngine implements Engine {
  readonly #model: ApiModel;
  readonly #slots: Slots<never, { commonPrefix(): number }>;

  constructor(model: ApiModel) {
    this.#model = model;
    this.#slots = new Slots(Array.from({ length: model.slots }, () => ({ commonPrefix: () => 0 })));
  }

  slotsBusy(): number {
    return this.#slots.busy;
  }

  async generate(work: GenerationWork, sink: Sink): Promise<GenerationEnd> {
    const received = performance.now();
    const slot = await this.#slots.take([], sink.signal);
    const wait_ms = performance.now() - received;
    try {
      const end = await this.#run(work, sink);
      return { ...end, timings: { ...end.timings, wait_ms } };
    } finally {
      this.#slots.release(slot);
    }
  }

  async embed({ texts }: EmbedWork, signal: AbortSignal): Promise<Embeddings> {
    const { server, model } = this.#model;
    const answer = await postJson(server, { path: "/v1/embeddings", body: { model, input: texts } }, signal);
    const parsed = Vectors.safeParse(answer);
    if (!parsed.success || parsed.data.data.length !== texts.length)
      throw new RbeeError("internal", `${server.name} does not speak the API`);
    const { data, usage } = parsed.data;
    const embeddings = data.toSorted((one, other) => one.index - other.index).map(({ embedding }) => unit(embedding));
    return { embeddings, prompt_tokens: usage?.prompt_tokens ?? 0 };
  }

  async #run({ generation, resume = [] }: GenerationWork, sink: Sink): Promise<GenerationEnd> {
    const { server } = this.#model;
    // It fills gaps at an address of its own, and would ignore this here.
    if (generation.suffix !== undefined && server.name === "llama-server")
      throw new RbeeError("unsupported", "suffix: a worker of kind llama-server fills no gaps");
    const rest = behind(generation, resume, this.#model.chat);
    const answer = new Answer(rest.max_tokens, sink);
    for await (const event of events(server, requestOf(this.#model, rest), sink.signal)) {
      const chunk = Chunk.safeParse(event);
      if (!chunk.success) throw new RbeeError("internal", `${server.name} does not speak the API`);
      if (chunk.data.error !== undefined) throw refusal(server, 500, JSON.stringify(event));
      answer.take(chunk.data);
      if (answer.tooLong) break;
      await sink.room;
    }
    return answer.end(resume.length);
  }
}

/** What is left to ask for behind what was generated elsewhere: a server goes on behind an assistant's last message. */
function behind(generation: Generation, resume: readonly string[], chat: boolean): Generation {
  if (resume.length === 0) return generation;
  const { prompt = "", messages, raw, ...rest } = generation;
  const text = resume.join("");
  const max_tokens = Math.max(1, rest.max_tokens - resume.length);
  if (messages === undefined && (raw || !chat)) return { ...rest, max_tokens, prompt: prompt + text, raw: true };
  const asked = messages ?? [{ role: "user", content: prompt }];
  return { ...rest, raw, max_tokens, messages: [...asked, { role: "assistant", content: text }] };
}

function requestOf({ model, chat }: ApiModel, generation: Generation) {
  const { prompt = "", messages, raw, max_tokens, temperature, top_p, top_k, min_p, seed, stop } = generation;
  const asked: Generation["messages"] = messages ?? (raw || !chat ? undefined : [{ role: "user", content: prompt }]);
  const body = {
    model,
    ...(asked === undefined ? { prompt } : { messages: asked }),
    max_tokens,
    temperature,
    top_p,
    top_k,
    min_p,
    ...(seed === undefined ? {} : { seed }),
    ...(stop.length === 0 ? {} : { stop }),
    ...passedOn(generation),
    ...formatOf(generation.response_format),
    ...goingOn(asked),
    stream: true,
    stream_options: { include_usage: true },
  };
  return { path: asked === undefined ? "/v1/completions" : "/v1/chat/completions", body };
}

/** Without these words llama.cpp's server says the last message again before it goes on, and vLLM begins a new one. */
function goingOn(messages: Generation["messages"]) {
  if (messages?.at(-1)?.role !== "assistant") return {};
  return { continue_final_message: true, add_generation_prompt: false };
}

/** What a server is asked in the words it was asked in here; what it does not know it leaves out. */
function passedOn(generation: Generation) {
  const { frequency_penalty, presence_penalty, repeat_penalty, logprobs, suffix, messages } = generation;
  const { tools, tool_choice, parallel_tool_calls } = generation;
  const likely = messages === undefined ? { logprobs } : { logprobs: true, top_logprobs: logprobs };
  const given = {
    frequency_penalty,
    presence_penalty,
    repeat_penalty,
    suffix,
    tools,
    tool_choice,
    parallel_tool_calls,
  };
  const all = { ...given, ...(logprobs === undefined ? {} : likely) };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

/** Servers constrain a chat's answer by `response_format`; llama.cpp's constrains a plain completion by `json_schema`. */
function formatOf(format: Generation["response_format"]) {
  if (format.type === "text") return {};
  if (format.type === "json_object") return { response_format: { type: "json_object" } };
  const json_schema = { name: "answer", schema: format.schema, strict: true };
  return { response_format: { type: "json_schema", json_schema }, json_schema: format.schema };
}

/** What came so far. */
class Answer {
  readonly #most: number;
  readonly #sink: Sink;
  readonly #begun = performance.now();
  #first: number | undefined;
  #pieces = 0;
  #held = "";
  #reason: string | undefined;
  readonly #calls: ToolCall[] = [];
  /** Of tokens whose text is still to be told. */
  #logprobs: Logprob[] = [];
  #usage: Chunk["usage"];
  #timings: Chunk["timings"];

  constructor(most: number, sink: Sink) {
    this.#most = most;
    this.#sink = sink;
  }

  /** A server that goes on after max_tokens is left. */
  get tooLong(): boolean {
    return this.#reason === undefined && this.#pieces > this.#most;
  }

  take({ choices, usage, timings }: Chunk): void {
    const [choice] = choices;
    this.#usage = usage ?? this.#usage;
    this.#timings = timings ?? this.#timings;
    this.#reason = choice?.finish_reason ?? this.#reason;
    const text = choice?.delta?.content ?? choice?.text ?? "";
    const calls = choice?.delta?.tool_calls ?? [];
    if (text === "" && calls.length === 0) return;
    this.#first ??= performance.now();
    this.#pieces += 1;
    if (this.#pieces > this.#most) return;
    this.#logprobs.push(
      ...(choice?.logprobs?.content ?? []).map(({ top_logprobs: top, ...chosen }) => ({ ...chosen, top })),
    );
    if (text !== "") this.#emit(text);
    for (const call of calls) this.#call(call);
  }

  #call({ index, id, function: said }: z.infer<typeof CallDelta>): void {
    const text = said?.arguments ?? "";
    const begun = this.#calls[index];
    if (begun !== undefined) {
      begun.function.arguments += text;
      if (text !== "") this.#sink.emit({ text, tool_call: { index, arguments: text } });
      return;
    }
    const call = { id: id ?? `call_${index}`, name: said?.name ?? "" };
    this.#calls[index] = { id: call.id, type: "function", function: { name: call.name, arguments: text } };
    this.#sink.emit({ text, tool_call: { index, ...call, arguments: text } });
  }

  /** `resumed`: tokens of the answer that were part of the question here. */
  end(resumed: number): GenerationEnd {
    if (this.#held !== "") this.#sink.emit(this.#held.toWellFormed());
    const ended = performance.now();
    // A server may leave numbers out.
    const calls = this.#calls.filter((call) => call !== undefined);
    // A server that counts nothing: a piece is a token as far as anyone can tell.
    const usage = this.#usage ?? { prompt_tokens: 0, completion_tokens: this.#pieces, prompt_tokens_details: 0 };
    const { completion_tokens: generated, prompt_tokens_details: cached } = usage;
    const prompt_tokens = Math.max(0, usage.prompt_tokens - resumed);
    const cached_tokens = Math.min(cached, prompt_tokens);
    const completion_tokens = generated + resumed;
    const prompt_ms = this.#timings?.prompt_ms ?? (this.#first ?? ended) - this.#begun;
    const generation_ms = this.#timings?.predicted_ms ?? ended - (this.#first ?? ended);
    return {
      finish_reason: this.tooLong || this.#reason === "length" ? "length" : calls.length > 0 ? "tool_calls" : "stop",
      ...(calls.length === 0 ? {} : { tool_calls: calls }),
      usage: { prompt_tokens, cached_tokens, completion_tokens, total_tokens: prompt_tokens + completion_tokens },
      timings: {
        wait_ms: 0,
        prompt_ms,
        generation_ms,
        tokens_per_s: generation_ms > 0 ? (generated / generation_ms) * 1_000 : 0,
      },
    };
  }

  /** Whole characters only: half of a pair waits for its other half. */
  #emit(text: string): void {
    const all = this.#held + text;
    const cut = /[\uD800-\uDBFF]$/.test(all) ? all.length - 1 : all.length;
    this.#held = all.slice(cut);
    if (cut === 0) return;
    const said = all.slice(0, cut).toWellFormed();
    const logprobs = this.#logprobs.slice(0, limits.logprobs_per_event_max);
    this.#logprobs = [];
    this.#sink.emit(logprobs.length === 0 ? said : { text: said, logprobs });
  }
}
