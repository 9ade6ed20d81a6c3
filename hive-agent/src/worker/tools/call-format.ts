/** How a model writes a tool call: an object with a name and arguments, in whatever its template puts around it. */
export interface CallFormat {
  /** Text in front of the object; empty when a call begins with its brace. */
  readonly before: string;
  readonly after: string;
  readonly nameKey: string;
  readonly argumentsKey: string;
}

/** What many models were trained on, and what others are told to write. */
export const COMMON_FORMAT: CallFormat = {
  before: "<tool_call>\n",
  after: "\n</tool_call>",
  nameKey: "name",
  argumentsKey: "arguments",
};

/** What marks a call: what stands right in front of it. Before that a template may write other things, like an empty thought. */
export const markOf = ({ before }: CallFormat): string => before.trim().split(/\s+/).at(-1) ?? "";

/** A call that is recognised when it is rendered. */
export const SAMPLE = { name: "rbee_sample", argument: "rbee_key" } as const;

/** @param rendered how a template renders a turn that calls SAMPLE, from where the model begins; undefined: not as an object */
export function formatOf(rendered: string): CallFormat | undefined {
  const named = rendered.indexOf(`"${SAMPLE.name}"`);
  if (named < 0) return undefined;
  for (let start = rendered.lastIndexOf("{", named); start >= 0;) {
    const end = endOfValue(rendered, start);
    const format = end === undefined ? undefined : read(rendered, start, end);
    if (format !== undefined) return format;
    start = start === 0 ? -1 : rendered.lastIndexOf("{", start - 1);
  }
  return undefined;
}

function read(rendered: string, start: number, end: number): CallFormat | undefined {
  const call = parsed(rendered.slice(start, end));
  const nameKey = Object.keys(call).find((key) => call[key] === SAMPLE.name);
  const argumentsKey = Object.keys(call).find((key) => key !== nameKey && holdsArgument(call[key]));
  // Arguments are streamed, so the name must have come before them.
  if (nameKey === undefined || argumentsKey === undefined) return undefined;
  if (Object.keys(call).indexOf(nameKey) > Object.keys(call).indexOf(argumentsKey)) return undefined;
  return { before: rendered.slice(0, start), after: rendered.slice(end), nameKey, argumentsKey };
}

const holdsArgument = (value: unknown): boolean =>
  typeof value === "object" && value !== null && SAMPLE.argument in value;

function parsed(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return {};
  }
}

/** Follows one JSON value in text that comes in pieces. */
export class ValueScanner {
  #depth = 0;
  #inString = false;
  #escaped = false;
  #begun = false;

  /** Takes a character. @returns where the value stands: `beyond` when this character is not part of it any more */
  take(char: string): "inside" | "last" | "beyond" {
    if (this.#inString) return this.#inText(char);
    if (char === '"') {
      this.#inString = true;
      this.#begun = true;
      return "inside";
    }
    if (char === "{" || char === "[") {
      this.#depth += 1;
      this.#begun = true;
      return "inside";
    }
    if (char === "}" || char === "]") {
      if (this.#depth === 0) return "beyond";
      this.#depth -= 1;
      return this.#depth === 0 ? "last" : "inside";
    }
    if (this.#depth > 0) return "inside";
    // A number, true, false or null ends with what follows it.
    if (char === "," || (this.#begun && /\s/.test(char))) return "beyond";
    this.#begun ||= !/\s/.test(char);
    return "inside";
  }

  #inText(char: string): "inside" | "last" {
    if (this.#escaped) this.#escaped = false;
    else if (char === "\\") this.#escaped = true;
    else if (char === '"') {
      this.#inString = false;
      if (this.#depth === 0) return "last";
    }
    return "inside";
  }
}

/** Where the value that begins at `start` ends. */
function endOfValue(text: string, start: number): number | undefined {
  const scanner = new ValueScanner();
  for (let at = start; at < text.length; at += 1) if (scanner.take(text[at] ?? "") === "last") return at + 1;
  return undefined;
}
