import { Template } from "@huggingface/jinja";
import { RbeeError, type ChatMessage, type Tool } from "@rbee/contracts";
import { LlamaText, SpecialTokensText, type LlamaModel, type Token } from "node-llama-cpp";
import { COMMON_FORMAT, formatOf, SAMPLE, type CallFormat } from "./call-format.ts";
import { withToolsInWords } from "./in-words.ts";

interface Conversation {
  readonly messages: readonly ChatMessage[];
  readonly tools: readonly Tool[];
}

type Json = Record<string, unknown>;

/** Renders conversations with tools through the model's own template where it knows them, else in words. */
export class ToolPrompter {
  readonly #model: LlamaModel;
  readonly #template: Template | undefined;
  readonly #format: CallFormat | undefined;
  /** Some templates read arguments as an object, others print them as text. */
  #argumentsAsText = false;

  constructor(model: LlamaModel) {
    this.#model = model;
    this.#template = templateOf(model);
    this.#format = this.#learnFormat();
  }

  /** How the model writes a call. */
  get format(): CallFormat {
    return this.#format ?? COMMON_FORMAT;
  }

  /** Whether the template itself shows tools and calls. Otherwise the messages have to say it in words. */
  get native(): boolean {
    return this.#format !== undefined;
  }

  /** The conversation for a template that knows no tools. */
  inWords({ messages, tools }: Conversation): ChatMessage[] {
    return withToolsInWords(messages, tools, this.format);
  }

  /** Tokens up to where the answer begins. Only the template may write control tokens: what people wrote is plain text. */
  tokens({ messages, tools }: Conversation): Token[] {
    const mark = `rbee${crypto.randomUUID().replaceAll("-", "")}`;
    const contents = messages.map(({ content }) => content);
    const marked = messages.map((message, at) =>
      message.content === "" ? message : { ...message, content: `${mark}${at}x` },
    );
    const rendered = this.#render({ messages: marked, tools }, true);
    const parts = rendered.split(new RegExp(`${mark}(\\d+)x`));
    // Odd parts are the numbers of the contents between the template's own text.
    const texts = parts.map((part, at) =>
      at % 2 === 0 ? new SpecialTokensText(part) : (contents[Number(part)] ?? ""),
    );
    return LlamaText(texts).tokenize(this.#model.tokenizer);
  }

  #render({ messages, tools }: Conversation, answerNext: boolean): string {
    if (this.#template === undefined) throw new RbeeError("internal");
    const { bosString, eosString } = this.#model.tokens;
    const calls = new Calls(messages);
    try {
      return this.#template.render({
        messages: messages.map((message) => this.#forTemplate(message, calls)),
        ...(tools.length === 0 ? {} : { tools: tools.map((tool) => this.#plain(tool)) }),
        add_generation_prompt: answerNext,
        bos_token: bosString ?? "",
        eos_token: eosString ?? "",
      });
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw new RbeeError("invalid_input", `the model's template refuses these messages: ${why.slice(0, 256)}`);
    }
  }

  #forTemplate({ role, content, tool_calls = [], tool_call_id }: ChatMessage, calls: Calls): Json {
    const made = tool_calls.map(({ id, type, function: { name, arguments: text } }) => {
      const given = this.#plain(objectOf(text));
      return {
        id: calls.idOf(id),
        type,
        function: { name, arguments: this.#argumentsAsText ? JSON.stringify(given) : given },
      };
    });
    return {
      role: role === "developer" ? "system" : role,
      content,
      ...(made.length === 0 ? {} : { tool_calls: made }),
      ...(tool_call_id === undefined
        ? {}
        : { tool_call_id: calls.idOf(tool_call_id), name: calls.nameOf(tool_call_id) }),
    };
  }

  /** The same value, whose texts spell no control token. */
  #plain<T>(value: T): T {
    if (typeof value === "string") {
      const special = this.#model.tokenize(value, true).some((token) => this.#model.isSpecialToken(token));
      return (special ? value.replaceAll(/[<[]/g, "$&\u200B") : value) as T;
    }
    if (Array.isArray(value)) return value.map((one: unknown) => this.#plain(one)) as T;
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, this.#plain(one as unknown)])) as T;
  }

  /** Shows the template a call and looks what it makes of it. */
  #learnFormat(): CallFormat | undefined {
    if (this.#template === undefined) return undefined;
    for (const asText of [false, true]) {
      this.#argumentsAsText = asText;
      try {
        const before = this.#render(sample("ask"), true);
        // A template that shows no tools would leave the model to guess.
        if (before === this.#render({ ...sample("ask"), tools: [] }, true)) return undefined;
        const after = this.#render(sample("call"), false);
        const format = formatOf(after.slice(commonPrefix(before, after)));
        if (format !== undefined) return format;
      } catch {
        // It does not take calls in this shape.
      }
    }
    return undefined;
  }
}

function templateOf(model: LlamaModel): Template | undefined {
  const source = model.fileInfo.metadata.tokenizer.chat_template ?? "";
  if (source.trim() === "") return undefined;
  try {
    return new Template(source);
  } catch {
    return undefined;
  }
}

function sample(what: "ask" | "call"): Conversation {
  const { name, argument } = SAMPLE;
  const parameters = { type: "object", properties: { [argument]: { type: "string", description: "-" } } };
  const tools: Tool[] = [{ type: "function", function: { name, description: "-", parameters } }];
  const user: ChatMessage = { role: "user", content: "-" };
  if (what === "ask") return { messages: [user], tools };
  const call = { name, arguments: JSON.stringify({ [argument]: "-" }) };
  const calling: ChatMessage = {
    role: "assistant",
    content: "",
    tool_calls: [{ id: "call12345", type: "function", function: call }],
  };
  return { messages: [user, calling], tools };
}

/** The calls of a conversation. */
class Calls {
  readonly #names: ReadonlyMap<string, string>;
  readonly #ids: readonly string[];

  constructor(messages: readonly ChatMessage[]) {
    const calls = messages.flatMap(({ tool_calls = [] }) => tool_calls);
    this.#names = new Map(calls.map((call) => [call.id, call.function.name]));
    this.#ids = [...this.#names.keys()];
  }

  /** Some templates want ids of nine letters and digits, and no other; no model cares which. */
  idOf(id: string): string {
    const DIGITS = 5;
    return `call${String(this.#ids.indexOf(id) + 1).padStart(DIGITS, "0")}`;
  }

  /** Which tool a message answers for. */
  nameOf(id: string): string {
    return this.#names.get(id) ?? "";
  }
}

/** Arguments as a model wrote them, which need not be an object. */
function objectOf(text: string): unknown {
  try {
    return text.trim() === "" ? {} : (JSON.parse(text) as unknown);
  } catch {
    return text;
  }
}

function commonPrefix(one: string, other: string): number {
  let length = 0;
  while (length < one.length && one[length] === other[length]) length += 1;
  return length;
}
