import { createInterface } from "node:readline/promises";
import { Writable } from "node:stream";
import { Interrupted } from "../failure.ts";
import { say } from "./output.ts";

interface AskOptions {
  /** What Ctrl-C and Ctrl-D say. */
  readonly left: string;
  /** What is typed is not shown. */
  readonly secret?: boolean;
}

/** Asks who sits at the terminal. @throws Interrupted */
export async function askPerson(question: string, { left, secret = false }: AskOptions): Promise<string> {
  const { stdin, stderr } = process;
  if (secret) stderr.write(question);
  // What is typed is shown by the interface's output: of a secret there is none.
  const output = secret ? new Writable({ write: (_chunk, _encoding, done) => done() }) : stderr;
  const keyboard = createInterface({ input: stdin, output, terminal: true });
  const gone = new AbortController();
  keyboard.on("SIGINT", () => gone.abort()).on("close", () => gone.abort());
  try {
    return await keyboard.question(secret ? "" : question, { signal: gone.signal });
  } catch {
    throw new Interrupted(secret ? left : `\n${left}`);
  } finally {
    keyboard.close();
    if (secret) say("");
  }
}
