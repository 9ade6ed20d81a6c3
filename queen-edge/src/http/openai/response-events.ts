import type { JobEvent, Problem } from "@rbee/contracts";
import { resultOf, type InferResult } from "./chat-answer.ts";
import {
  itemId,
  outputItem,
  responseObject,
  textPart,
  type Asked,
  type Item,
  type Said,
  type Status,
} from "./response-object.ts";

/**
 * One response as a stream of events. The same job's events always make the same events with the same numbers, so a
 * client that was cut off goes on behind the last number it saw. [API-3]
 */
export class ResponseEvents {
  readonly #asked: Asked;
  readonly #after: number;
  #sequence = 0;
  #begun = false;
  readonly #items: Item[] = [];
  /** By the place that their pieces name. */
  readonly #calls: Item[] = [];
  /** White space in front of a text; in front of a call it is none. */
  #space = "";

  /** @param after the last event that is not wanted */
  constructor(asked: Asked, after = -1) {
    this.#asked = asked;
    this.#after = after;
  }

  get output(): Said["output"] {
    return this.#items.map((item) => outputItem(this.#asked.job_id, item));
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
    if (tool_call === undefined) return this.begin() + this.#text(text);
    const { index, id, name, arguments: written } = tool_call;
    if (written === undefined) return "";
    const begun = this.begin() + (id === undefined || name === undefined ? "" : this.#callBegan(index, { id, name }));
    const call = this.#calls[index];
    return call === undefined ? begun : begun + this.#callDelta(call, written);
  }

  fail({ code, detail }: Problem): string {
    const status = code === "cancelled" ? "cancelled" : "failed";
    const response = responseObject(this.#asked, { status, error: { code, detail } });
    return this.begin() + this.#event("response.failed", { response });
  }

  /** The item that is being written. */
  get #open(): Item | undefined {
    const last = this.#items.at(-1);
    return last?.status === "in_progress" ? last : undefined;
  }

  #text(delta: string): string {
    const open = this.#open;
    if (open !== undefined && open.call === undefined) return this.#textDelta(open, delta);
    this.#space += delta;
    return this.#space.trim() === "" ? "" : this.#textBegan();
  }

  #textBegan(): string {
    const text = this.#space;
    const [item, added] = this.#began();
    const part = this.#event("response.content_part.added", { ...this.#inText(item), part: textPart("") });
    return added + part + this.#textDelta(item, text);
  }

  #textDelta(item: Item, delta: string): string {
    item.written += delta;
    return this.#event("response.output_text.delta", { ...this.#inText(item), delta, logprobs: [] });
  }

  #callBegan(index: number, call: { id: string; name: string }): string {
    const [item, added] = this.#began(call);
    this.#calls[index] = item;
    return added;
  }

  #callDelta(call: Item, delta: string): string {
    if (delta === "") return "";
    call.written += delta;
    return this.#event("response.function_call_arguments.delta", { ...this.#in(call), delta });
  }

  /** Items follow each other: the one before is over. */
  #began(call?: { id: string; name: string }): [Item, string] {
    const closed = this.#close();
    const output_index = this.#items.length;
    const item: Item = { output_index, ...(call === undefined ? {} : { call }), written: "", status: "in_progress" };
    this.#items.push(item);
    this.#space = "";
    return [item, closed + this.#whole("response.output_item.added", item)];
  }

  #close(status: "completed" | "incomplete" = "completed"): string {
    const open = this.#open;
    if (open === undefined) return "";
    open.status = status;
    return this.#written(open) + this.#whole("response.output_item.done", open);
  }

  #written(item: Item): string {
    const { call, written } = item;
    if (call !== undefined) {
      const fields = { ...this.#in(item), name: call.name, arguments: written };
      return this.#event("response.function_call_arguments.done", fields);
    }
    const inText = this.#inText(item);
    const done = this.#event("response.output_text.done", { ...inText, text: written, logprobs: [] });
    return done + this.#event("response.content_part.done", { ...inText, part: textPart(written) });
  }

  #end(result: InferResult): string {
    const status = result.finish_reason === "length" ? "incomplete" : "completed";
    // An answer of nothing is an answer, too.
    const empty = this.#items.length === 0 ? this.#textBegan() : "";
    const closed = this.#close(status);
    return empty + closed + this.#response(`response.${status}`, status, result);
  }

  #in(item: Item) {
    return { item_id: itemId(this.#asked.job_id, item), output_index: item.output_index };
  }

  #inText(item: Item) {
    return { ...this.#in(item), content_index: 0 };
  }

  #whole(type: string, item: Item): string {
    return this.#event(type, { output_index: item.output_index, item: outputItem(this.#asked.job_id, item) });
  }

  #response(type: string, status: Status, result?: InferResult): string {
    const said = result === undefined ? undefined : { result, output: this.output };
    return this.#event(type, { response: responseObject(this.#asked, { status, said }) });
  }

  #event(type: string, fields: object): string {
    const sequence_number = this.#sequence++;
    if (sequence_number <= this.#after) return "";
    return `event: ${type}\ndata: ${JSON.stringify({ type, sequence_number, ...fields })}\n\n`;
  }
}
