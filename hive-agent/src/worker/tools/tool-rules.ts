import { limits, type Generation, type Tool } from "@rbee/contracts";

/** What one request allows the model to do with tools. */
export interface ToolRules {
  readonly tools: readonly Tool[];
  /** The answer has to be a call of one of these. */
  readonly forced: readonly Tool[] | undefined;
  /** Most calls of one answer. */
  readonly most: number;
}

/** `undefined`: it may call nothing. */
export function toolRules(generation: Generation): ToolRules | undefined {
  const { tools = [], tool_choice: choice = "auto", parallel_tool_calls: parallel = true } = generation;
  if (tools.length === 0 || choice === "none") return undefined;
  const most = parallel ? limits.tool_calls_max : 1;
  if (choice === "auto") return { tools, forced: undefined, most };
  if (choice === "required") return { tools, forced: tools, most };
  // One that was asked for by name is called once.
  return { tools, forced: tools.filter((tool) => tool.function.name === choice.function.name), most: 1 };
}

/** The conversation was about tools before. */
export const mentionsTools = ({ messages = [] }: Generation): boolean =>
  messages.some(({ role, tool_calls = [] }) => role === "tool" || tool_calls.length > 0);
