import type { Command, CommandContext } from "@stricli/core";
import type { JobEvent, OperationRequest, OperationResult } from "@rbee/sdk";
import { fail } from "../failure.ts";
import type { Narrator } from "../terminal/narrator.ts";
import { paintErr, plain, printJson, printable, say } from "../terminal/output.ts";
import { plural } from "../terminal/words.ts";
import { fieldsOf } from "./field-flags.ts";
import { chooseModel } from "./choose-model.ts";
import { commandOf, inputFrom, type Flags } from "./operation-command.ts";
import { runWatched } from "./run-watched.ts";

export type Answer = OperationResult<"infer">;

/** `rbee infer "prompt"`: tokens on stdout as they come. */
export function inferCommand(): Command<CommandContext> {
  const fields = fieldsOf("infer");
  const prompt = fields.find(({ name }) => name === "prompt");
  // The keeper can often tell which model is meant.
  const named = fields.filter((field) => field !== prompt).map((field) => ({ ...field, required: false }));
  return commandOf({
    brief: "Generate text with a model",
    examples: [
      { input: '"Tell me a story about a bee"', brief: "With the model that is there" },
      { input: '-m bee-tiny --temperature 0 "Once upon a time"', brief: "With this one, the same text every time" },
      { input: "--json < prompt.txt", brief: "The prompt from a file, the result as JSON" },
    ],
    fields: named,
    places: prompt === undefined ? [] : [prompt],
    aliases: { m: "model" },
    extraFlags: {
      events: { kind: "boolean", optional: true, withNegated: false, brief: "With --json: every event, one a line" },
    },
    run: async (flags, [prompt]) => {
      const given = inputFrom(flags, named);
      const text = given["messages"] === undefined ? await promptFrom(prompt) : undefined;
      const model = await chooseModel(flags, given["model"]);
      const input = { ...given, model, ...(text === undefined ? {} : { prompt: text }) } as OperationRequest<"infer">;
      const answer = flags.json === true ? await inferAsJson(flags, input) : await inferAsText(flags, input);
      if (process.stderr.isTTY && flags.quiet !== true) say(paintErr("dim", statsOf(answer)));
    },
  });
}

export const writeText = (text: string): void => void process.stdout.write(printable(text));

/** Streams one answer to stdout. @throws Interrupted after Ctrl-C */
export async function inferAsText(
  flags: Pick<Flags, "url" | "key" | "quiet">,
  input: OperationRequest<"infer">,
  write: (text: string) => void = writeText,
): Promise<Answer> {
  let last = "\n";
  const onEvent = (event: JobEvent, narrator: Narrator): void => {
    if (event.type !== "token") return narrator.show(event);
    narrator.stop();
    write(event.text);
    last = event.text;
  };
  try {
    return await runWatched({ ...flags, onEvent }, "infer", input);
  } finally {
    // Neither an error nor the next prompt starts in the middle of a line.
    if (!last.endsWith("\n")) write("\n");
  }
}

async function inferAsJson(flags: Flags, input: OperationRequest<"infer">): Promise<Answer> {
  const events = flags["events"] === true;
  const onEvent = (event: JobEvent): void => {
    if (events) printJson(event);
  };
  const answer = await runWatched(events ? { ...flags, onEvent } : flags, "infer", input);
  if (!events) printJson(answer);
  return answer;
}

export function statsOf({ usage, timings, hive_id, model, finish_reason }: Answer): string {
  const cut = finish_reason === "length" ? " · cut off by the token limit" : "";
  const speed = timings.tokens_per_s > 0 ? ` · ${Math.round(timings.tokens_per_s)} tokens/s` : "";
  return `${plural(usage.completion_tokens, "token")}${speed} · ${plain(model)} on ${plain(hive_id)}${cut}`;
}

/** The argument, or with none (or `-`) what comes in on stdin. */
async function promptFrom(argument: unknown): Promise<string> {
  if (typeof argument === "string" && argument !== "-") return argument;
  if (argument === undefined && process.stdin.isTTY) {
    throw fail("invalid_input", "there is no prompt", 'Give one, as in `rbee infer "Hello"`, or pipe it in.');
  }
  let text = "";
  for await (const chunk of process.stdin.setEncoding("utf8") as AsyncIterable<string>) text += chunk;
  if (text.trim() === "") throw fail("invalid_input", "the prompt on stdin is empty");
  // The newline that ends a file or an `echo` is not part of the prompt.
  return text.replace(/\r?\n$/, "");
}
