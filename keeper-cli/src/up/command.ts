import { buildCommand, type Command, type CommandContext } from "@stricli/core";
import { up, type UpFlags } from "./up.ts";

const PORT_DEFAULT = "7833";
const PORT_MAX = 65_535;

function parsePort(input: string): number {
  const port = Number(input);
  if (!/^\d+$/.test(input) || port > PORT_MAX) throw new SyntaxError(`${JSON.stringify(input)} is not a port`);
  return port;
}

/** `rbee up`, which is what `npm start` runs. */
export const upCommand = (): Command<CommandContext> =>
  buildCommand<UpFlags>({
    docs: {
      brief: "Start a queen and a hive on this machine, and keep them running",
      customUsage: [
        { input: "", brief: "With the tiny demo model; stays until Ctrl-C" },
        { input: "--model ~/models/qwen2.5-7b-instruct-q4_k_m.gguf", brief: "With a real model" },
        {
          input: "--model hf:Qwen/Qwen2.5-7B-Instruct-GGUF:Q4_K_M",
          brief: "With one from Hugging Face, fetched first",
        },
        { input: "--once --json", brief: "A first answer, then stop: a test of the whole chain" },
      ],
    },
    parameters: {
      flags: {
        model: {
          kind: "parsed",
          parse: String,
          optional: true,
          placeholder: "file.gguf|hf:org/repo",
          brief: "Model to load (a tiny demo model otherwise)",
        },
        port: {
          kind: "parsed",
          parse: parsePort,
          default: PORT_DEFAULT,
          placeholder: "n",
          brief: "Port of the queen, on this machine only; 0 is any free one",
        },
        home: {
          kind: "parsed",
          parse: String,
          optional: true,
          placeholder: "dir",
          brief: "Where state is kept (RBEE_HOME; otherwise where the platform puts such things)",
        },
        once: { kind: "boolean", optional: true, withNegated: false, brief: "Stop after the first answer" },
        json: {
          kind: "boolean",
          optional: true,
          withNegated: false,
          brief: "Print events as JSON on stdout, a line each",
        },
      },
      aliases: { m: "model" },
    },
    func: (flags) => up(flags),
  });
