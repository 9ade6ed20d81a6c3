import { RbeeError, type ChatMessage, type Generation } from "@rbee/contracts";
import {
  resolveChatWrapper,
  type ChatHistoryItem,
  type ChatWrapper,
  type LlamaModel,
  type LlamaText,
  type Token,
} from "node-llama-cpp";
import { COMMON_FORMAT, type CallFormat } from "./tools/call-format.ts";
import { ToolPrompter } from "./tools/tool-prompt.ts";
import { mentionsTools, toolRules, type ToolRules } from "./tools/tool-rules.ts";

export interface Prompt {
  readonly tokens: Token[];
  /** Texts and token sequences with which the template says that the answer is over. */
  readonly stopTexts: readonly string[];
  readonly stopTokens: readonly (readonly Token[])[];
  /** What the answer may do with tools, and how it writes a call. */
  readonly rules?: ToolRules | undefined;
  readonly format: CallFormat;
}

/** Renders prompts for one model: through its chat template, or as they stand. */
export class PromptRenderer {
  readonly #model: LlamaModel;
  readonly #hasTemplate: boolean;
  readonly #wrapper: ChatWrapper;
  /** Made when tools first come up. */
  #prompter: ToolPrompter | undefined;

  constructor(model: LlamaModel) {
    this.#model = model;
    this.#hasTemplate = (model.fileInfo.metadata.tokenizer.chat_template ?? "").trim() !== "";
    this.#wrapper = this.#hasTemplate ? ownTemplate(model) : resolveChatWrapper(model, { warningLogs: false });
  }

  render(generation: Generation): Prompt {
    const { prompt, messages, raw, suffix } = generation;
    const rules = toolRules(generation);
    if (rules !== undefined || mentionsTools(generation)) return this.#tools(messages ?? [], rules);
    if (messages !== undefined) return this.#chat(messages);
    if (suffix !== undefined) return this.#gap(prompt ?? "", suffix);
    if (prompt === undefined) throw new RbeeError("invalid_input", "give either `prompt` or `messages`");
    if (this.#hasTemplate && !raw) return this.#chat([{ role: "user", content: prompt }]);
    return this.#plain(prompt, raw);
  }

  /** A raw prompt may spell control tokens, that is what it is for; any other text must not be able to. */
  #plain(prompt: string, raw: boolean): Prompt {
    const tokens = this.#model.tokenize(prompt, raw);
    const { bos, shouldPrependBosToken } = this.#model.tokens;
    if (bos !== null && shouldPrependBosToken && tokens[0] !== bos) tokens.unshift(bos);
    if (tokens.length === 0) throw new RbeeError("invalid_input", "prompt: the model sees no token in it");
    return { tokens, stopTexts: [], stopTokens: [], format: COMMON_FORMAT };
  }

  /** The middle of a text: only for models that were taught to fill gaps. */
  #gap(prompt: string, suffix: string): Prompt {
    const { bos, shouldPrependBosToken, infill } = this.#model.tokens;
    const { prefix, suffix: behind, middle } = infill;
    if (prefix === null || behind === null || middle === null)
      throw new RbeeError("unsupported", "suffix: this model was not made to fill a gap in a text");
    const texts = [this.#model.tokenize(prompt, false), this.#model.tokenize(suffix, false)] as const;
    const tokens = [prefix, ...texts[0], behind, ...texts[1], middle];
    if (bos !== null && shouldPrependBosToken) tokens.unshift(bos);
    return { tokens, stopTexts: [], stopTokens: [], format: COMMON_FORMAT };
  }

  #tools(messages: readonly ChatMessage[], rules: ToolRules | undefined): Prompt {
    this.#prompter ??= new ToolPrompter(this.#model);
    const prompter = this.#prompter;
    const { format } = prompter;
    const conversation = { messages, tools: rules?.tools ?? [] };
    const told = this.#chat(prompter.native ? [{ role: "user", content: "-" }] : prompter.inWords(conversation));
    const tokens = prompter.native ? prompter.tokens(conversation) : told.tokens;
    // A call that has to come is begun for the model.
    const begun = rules?.forced === undefined ? "" : format.before;
    return { ...told, tokens: [...tokens, ...this.#model.tokenize(begun, true)], rules, format };
  }

  #chat(messages: readonly ChatMessage[]): Prompt {
    const chatHistory = historyOf(messages);
    // The wrapper renders the open turn of the model from a last item of that type.
    if (chatHistory.at(-1)?.type !== "model") chatHistory.push({ type: "model", response: [] });
    const state = this.#wrapper.generateContextState({ chatHistory });
    const tokens = state.contextText.tokenize(this.#model.tokenizer);
    return { tokens, ...this.#stops(state.stopGenerationTriggers), format: COMMON_FORMAT };
  }

  /** Triggers of plain text may be split into any tokens, so they are matched as text; control tokens have no text. */
  #stops(triggers: readonly LlamaText[]): Pick<Prompt, "stopTexts" | "stopTokens"> {
    const stopTexts: string[] = [];
    const stopTokens: Token[][] = [];
    for (const trigger of triggers) {
      if (trigger.values.every((value) => typeof value === "string")) stopTexts.push(trigger.toString());
      else stopTokens.push(trigger.tokenize(this.#model.tokenizer));
    }
    return { stopTexts, stopTokens: stopTokens.filter((tokens) => tokens.length > 0) };
  }
}

/**
 * The model's own template. Left to itself the engine tries out which of its built-in wrappers equals it, and how it
 * writes function calls: most of a second, for the same text.
 */
function ownTemplate(model: LlamaModel): ChatWrapper {
  return resolveChatWrapper(model, {
    type: "jinjaTemplate",
    customWrapperSettings: { jinjaTemplate: { functionCallMessageTemplate: "noJinja" } },
    warningLogs: false,
  });
}

/** An empty system message is left out: templates render it as an empty block, which models were not trained on. */
function historyOf(messages: readonly ChatMessage[]): ChatHistoryItem[] {
  return messages
    .filter(({ role, content }) => (role !== "system" && role !== "developer") || content.trim() !== "")
    .map(({ role, content }): ChatHistoryItem => {
      if (role === "assistant") return { type: "model", response: [content] };
      return { type: role === "user" ? "user" : "system", text: content };
    });
}
