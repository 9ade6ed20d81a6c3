import { z } from "zod";
import { limits } from "../limits.ts";
import { ToolCall } from "./tools.ts";

const TextPart = z.object({ type: z.enum(["text", "input_text", "output_text"]), text: z.string() });

/** Plain text, or parts of it. No model here sees pictures, and one that was dropped in silence would be missed. */
const Content = z.union(
  [
    z.string(),
    z
      .array(TextPart)
      .max(limits.messages_max)
      .transform((parts) => parts.map(({ text }) => text).join("")),
  ],
  { error: "must be text, or a list of `text` parts: no model here sees pictures, sound or files" },
);

/** A line of a conversation. What a tool said comes back with the id of the call. */
export const ChatMessage = z
  .strictObject({
    role: z.enum(["system", "developer", "user", "assistant", "tool"]),
    content: Content.nullish().transform((content) => content ?? ""),
    tool_calls: z.array(ToolCall).max(limits.tool_calls_max).optional(),
    tool_call_id: z.string().max(limits.tool_call_id_chars_max).optional(),
  })
  .refine(({ role, tool_calls }) => tool_calls === undefined || role === "assistant", {
    error: "only the assistant calls tools",
    path: ["tool_calls"],
  });
export type ChatMessage = z.infer<typeof ChatMessage>;
