import { createInterface } from "node:readline/promises";
import { buildCommand, type Command, type CommandContext } from "@stricli/core";
import type { ChatMessage } from "@rbee/sdk";
import { formatFailure, Interrupted } from "../failure.ts";
import { addressFlags } from "../common-flags.ts";
import type { AddressFlags } from "../queen-address.ts";
import { hasColours, paintErr, plain, say } from "../terminal/output.ts";
import { chooseModel } from "./choose-model.ts";
import { live } from "./live-values.ts";
import { inferAsText, writeText } from "./infer.ts";

interface ChatFlags extends AddressFlags {
  readonly quiet?: boolean | undefined;
  readonly model?: string | undefined;
  readonly system?: string | undefined;
}

/** `rbee chat`: one line is one turn; what was said before goes along. */
export const chatCommand = (): Command<CommandContext> =>
  buildCommand<ChatFlags>({
    docs: {
      brief: "Talk with a model",
      customUsage: [
        { input: "", brief: "Ctrl-C stops an answer, Ctrl-D or /exit leaves, /clear forgets what was said" },
        { input: '--system "Answer in one sentence."', brief: "With an instruction for the whole chat" },
      ],
    },
    parameters: {
      flags: {
        model: {
          kind: "parsed",
          parse: String,
          optional: true,
          placeholder: "text",
          proposeCompletions: live("model"),
          brief: "Model (the only one there is, otherwise)",
        },
        system: {
          kind: "parsed",
          parse: String,
          optional: true,
          placeholder: "text",
          brief: "Instruction for the whole chat",
        },
        ...addressFlags,
      },
      aliases: { m: "model" },
    },
    func: chat,
  });

async function chat(this: CommandContext, flags: ChatFlags): Promise<void> {
  const model = await chooseModel(flags, flags.model);
  const start: ChatMessage[] = flags.system === undefined ? [] : [{ role: "system", content: flags.system }];
  let messages = [...start];
  const quiet = flags.quiet === true;
  if (process.stdin.isTTY && !quiet)
    say(paintErr("dim", `Chatting with ${plain(model)}. Ctrl-C stops an answer, Ctrl-D leaves.`));
  for await (const line of process.stdin.isTTY ? typedLines() : createInterface({ input: process.stdin })) {
    const said = line.trim();
    if (said === "/exit") return;
    if (said === "/clear") messages = [...start];
    if (said === "" || said === "/clear") continue;
    messages.push({ role: "user", content: said });
    let answer = "";
    try {
      await inferAsText(flags, { model, messages }, (piece) => {
        answer += piece;
        writeText(piece);
      });
    } catch (error) {
      if (!process.stdin.isTTY) throw error;
      // A queue that is full may be empty at the next question: what was said so far is not lost for it.
      if (!(error instanceof Interrupted)) say(formatFailure(error, hasColours(process.stderr)));
      else if (!quiet) say(paintErr("dim", "(stopped)"));
    }
    // Half an answer was said as well: the model should know what the person saw.
    if (answer === "") messages.pop();
    else messages.push({ role: "assistant", content: answer.trimEnd() });
  }
}

/** Lines as a person types them. The keyboard is ours only while we wait for one, so that Ctrl-C can stop an answer. */
async function* typedLines(): AsyncGenerator<string, void, void> {
  let history: string[] = [];
  for (;;) {
    const keyboard = createInterface({ input: process.stdin, output: process.stderr, history, historySize: 100 });
    keyboard.on("history", (lines) => (history = lines));
    const left = new AbortController();
    keyboard.on("close", () => left.abort());
    keyboard.on("SIGINT", () => keyboard.write(null, { ctrl: true, name: "u" }));
    const line = await keyboard.question(paintErr("yellow", "› "), { signal: left.signal }).catch(() => undefined);
    keyboard.close();
    if (line === undefined) return void process.stderr.write("\n");
    yield line;
  }
}
