import type { ChatMessage } from "@rbee/contracts";
import { z } from "zod";
import { BadRequest } from "./errors.ts";
import { parseBody } from "./parse.ts";
import { conversationBefore, outputItem, type Asked } from "./response-object.ts";
import { idOf } from "./wire.ts";

const PAGE_MAX = 100;
const PAGE_DEFAULT = 20;

const Page = z.looseObject({
  order: z.enum(["asc", "desc"]).default("desc"),
  limit: z.coerce.number().int().min(1).max(PAGE_MAX).default(PAGE_DEFAULT),
  after: z.string().optional(),
});

/** A page of what a response was asked with: the conversation up to it. @throws BadRequest */
export function inputItemsPage(asked: Asked, query: Record<string, string>) {
  const { order, limit, after } = parseBody(Page, query);
  const oldestFirst = conversationBefore(asked).flatMap((message, at) => itemsOf(asked.job_id, message, at));
  const items = order === "asc" ? oldestFirst : oldestFirst.toReversed();
  const last = after === undefined ? -1 : items.findIndex(({ id }) => id === after);
  if (after !== undefined && last < 0)
    throw new BadRequest(`No item '${after.slice(0, 64)}'.`, "after", "invalid_value");
  const data = items.slice(last + 1, last + 1 + limit);
  const has_more = last + 1 + limit < items.length;
  return { object: "list", data, first_id: data[0]?.id ?? null, last_id: data.at(-1)?.id ?? null, has_more };
}

/** What every item has, whatever it is. */
interface Item {
  readonly id: string;
  readonly type: string;
  readonly status: string;
}

function itemsOf(job_id: string, message: ChatMessage, at: number): Item[] {
  const { role, content, tool_calls = [], tool_call_id } = message;
  const status = "completed";
  if (role === "tool") {
    const id = `${idOf("fco_", job_id)}_${at}`;
    const said = { call_id: tool_call_id, output: content };
    return [{ id, type: "function_call_output", status, ...said }];
  }
  const calls = tool_calls.map(({ id, function: { name, arguments: written } }, n) => ({
    ...outputItem(job_id, { output_index: n, call: { id, name }, written, status }),
    id: `${idOf("fc_", job_id)}_${at}_${n}`,
  }));
  const type = role === "assistant" ? "output_text" : "input_text";
  const line = {
    id: `${idOf("msg_", job_id)}_${at}`,
    type: "message",
    status,
    role,
    content: [{ type, text: content }],
  };
  return [...(content === "" && calls.length > 0 ? [] : [line]), ...calls];
}
