import type { ChatMessage, Tool } from "@rbee/contracts";
import type { CallFormat } from "./call-format.ts";

/** A conversation with tools, told to a model whose template knows none: the system prompt explains, calls are text. */
export function withToolsInWords(
  messages: readonly ChatMessage[],
  tools: readonly Tool[],
  format: CallFormat,
): ChatMessage[] {
  const told = messages.map((message) => inWords(message, format));
  if (tools.length === 0) return told;
  const [first, ...rest] = told;
  const explained = explanation(tools, format);
  if (first?.role === "system") return [{ ...first, content: `${first.content}\n\n${explained}` }, ...rest];
  return [{ role: "system", content: explained }, ...told];
}

function inWords({ role, content, tool_calls = [] }: ChatMessage, format: CallFormat): ChatMessage {
  if (role === "developer") return { role: "system", content };
  if (role === "tool") return { role: "user", content: `<tool_response>\n${content}\n</tool_response>` };
  const calls = tool_calls.map(({ function: { name, arguments: text } }) => {
    const { before, after, nameKey, argumentsKey } = format;
    return `${before}{${JSON.stringify(nameKey)}: ${JSON.stringify(name)}, ${JSON.stringify(argumentsKey)}: ${text}}${after}`;
  });
  return { role, content: [content, ...calls].filter((text) => text !== "").join("\n") };
}

function explanation(tools: readonly Tool[], { before, after, nameKey, argumentsKey }: CallFormat): string {
  const lines = tools.map((tool) => JSON.stringify(tool.function));
  const example = `${before}{"${nameKey}": <name>, "${argumentsKey}": <arguments as JSON object>}${after}`;
  return [
    "You may call functions to answer. These are the functions:",
    ...lines,
    "To call a function, answer with exactly this, once for each call:",
    example,
    "Otherwise answer in plain text.",
  ].join("\n");
}
