import { z } from "zod";
import { limits } from "../limits.ts";

const ToolName = z.string().regex(/^[A-Za-z0-9_.-]{1,128}$/, "a tool's name is 1 to 128 letters, digits, _ . -");

/** A function that the model may ask for. Whoever asks runs it, and says what came of it in a `tool` message. */
export const Tool = z.strictObject({
  type: z.literal("function"),
  function: z.strictObject({
    name: ToolName,
    description: z.string().max(limits.json_schema_bytes_max).optional(),
    /** JSON schema of its arguments, an object. */
    parameters: z.record(z.string(), z.unknown()).optional(),
    strict: z.boolean().nullish(),
  }),
});
export type Tool = z.infer<typeof Tool>;

/** `arguments` is the JSON that the model wrote, as text: it may be cut off, and is never repaired. */
export const ToolCall = z.object({
  id: z.string().max(limits.tool_call_id_chars_max),
  type: z.literal("function").default("function"),
  function: z.object({ name: z.string().max(128), arguments: z.string() }),
});
export type ToolCall = z.infer<typeof ToolCall>;

/** `required`: some tool; with a name: that one. Both are enforced while the answer is generated. */
export const ToolChoice = z.union([
  z.enum(["none", "auto", "required"]),
  z.strictObject({ type: z.literal("function"), function: z.strictObject({ name: ToolName }) }),
]);
export type ToolChoice = z.infer<typeof ToolChoice>;
