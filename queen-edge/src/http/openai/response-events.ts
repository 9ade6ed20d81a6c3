import type { JobEvent, Problem } from "@rbee/contracts";
import { resultOf, type InferResult } from "./chat-answer.ts";
import { callItem, messageItem, responseObject, textPart, type Asked, type Status } from "./response-object.ts";

interface Call {
  readonly at: number;
  readonly output_index: number;
  readonly id: string;
  readonly name: string;
  written: string;
}

/**
 * One response as a stream of events. The same job's events always make the same events with the same numbers, so a
 * client that was cut off goes on behind the last number it saw. [API-3]
 */
export class ResponseEvents {
  readonly #asked: Asked;
  readonly #after: number;
  #sequence = 0;
  #begun = false;
  #text: string | undefined;
  #textIndex = 0;
  readonly #calls: Call[] = [];
  #items = 0;
  #open: "text" | Call | undefined;

  constructor(asked: Asked, after = -1) {
    this.#asked = asked;
    this.#after = after;
  }

  /** What is true before the model has said anything. */
  begin(): string {
    if (this.#begun) return "";
    this.#begun = true;
    return this.#response("response.created", "in_progress") + this.#response("response.in_progress", "in_progress");
  }

  take(event: JobEvent): string {
    const result = resultOf(event);
    if (result !== undefined) return this.begin() + this.#end(result);
    if (event.type !== "token") return "";
    const { text, tool_call } = event;
    if (tool_call === undefined) return this.begin() + this.#textDelta(text);
    const { index, id, name, arguments: written } = tool_call;
    if (written === undefined) return "";
    if (id !== undefined && name !== undefined) return this.begin() + this.#callBegan({ id, name }, written);
    const call = this.#calls[index];
    return call === undefined ? "" : this.#callDelta(call, written);
  }

  fail({ code, detail }: Problem): string {
    const status = code === "cancelled" ? "cancelled" : "failed";
    const response = responseObject(this.#asked, { status, error: { code, detail } });
    return this.begin() + this.#event("response.failed", { response });
  }

  #textDelta(delta: string): string {
    let events = "";
    if (this.#text === undefined) {
      events += this.#close();
      this.#text = "";
      this.#textIndex = this.#items++;
      const item = messageItem(this.#asked.job_id, "in_progress");
      events += this.#event("response.output_item.added", { output_index: this.#textIndex, item });
      events += this.#event("response.content_part.added", { ...this.#inText(), part: textPart("") });
    }
    this.#open = "text";
    this.#text += delta;
    return events + this.#event("response.output_text.delta", { ...this.#inText(), delta, logprobs: [] });
  }

  #callBegan({ id, name }: { id: string; name: string }, written: string): string {
    const events = this.#close();
    const call: Call = { at: this.#calls.length, output_index: this.#items++, id, name, written: "" };
    this.#calls.push(call);
    this.#open = call;
    const item = callItem(this.#asked.job_id, call.at, { ...call, status: "in_progress" });
    const added = this.#event("response.output_item.added", { output_index: call.output_index, item });
    return events + added + this.#callDelta(call, written);
  }

  #callDelta(call: Call, delta: string): string {
    if (delta === "") return "";
    call.written += delta;
    const { output_index } = call;
    return this.#event("response.function_call_arguments.delta", { item_id: this.#idOf(call), output_index, delta });
  }

  /** Ends the item that is being written. */
  #close(status = "completed"): string {
    const open = this.#open;
    this.#open = undefined;
    if (open === undefined) return "";
    if (open === "text") {
      const text = this.#text ?? "";
      const item = messageItem(this.#asked.job_id, status, text);
      return (
        this.#event("response.output_text.done", { ...this.#inText(), text, logprobs: [] }) +
        this.#event("response.content_part.done", { ...this.#inText(), part: textPart(text) }) +
        this.#event("response.output_item.done", { output_index: this.#textIndex, item })
      );
    }
    const { output_index, written, name } = open;
    const item = callItem(this.#asked.job_id, open.at, { ...open, status });
    return (
      this.#event("response.function_call_arguments.done", {
        item_id: this.#idOf(open),
        output_index,
        name,
        arguments: written,
      }) + this.#event("response.output_item.done", { output_index, item })
    );
  }

  #end(result: InferResult): string {
    const cut = result.finish_reason === "length";
    // An answer of nothing is an answer, too.
    const empty = this.#items === 0 ? this.#textDelta("") : "";
    const closed = this.#close(cut ? "incomplete" : "completed");
    const status: Status = cut ? "incomplete" : "completed";
    return empty + closed + this.#response(`response.${status}`, status, result);
  }

  #inText() {
    return { item_id: messageItem(this.#asked.job_id, "").id, output_index: this.#textIndex, content_index: 0 };
  }

  #idOf(call: Call): string {
    return callItem(this.#asked.job_id, call.at, { ...call, status: "" }).id;
  }

  #response(type: string, status: Status, result?: InferResult): string {
    return this.#event(type, { response: responseObject(this.#asked, { status, result }) });
  }

  #event(type: string, fields: object): string {
    const sequence_number = this.#sequence++;
    if (sequence_number <= this.#after) return "";
    return `event: ${type}\ndata: ${JSON.stringify({ type, sequence_number, ...fields })}\n\n`;
  }
}
