import ora, { type Ora } from "ora";
import { hasColours } from "./output.ts";

/**
 * A line that shows that something goes on. A terminal is a terminal, also where CI is set; NO_COLOR, which the library does
 * not know, counts here too; and Ctrl-C is ours: the keyboard stays as it is.
 */
export const spinner = (text: string): Ora =>
  ora({
    text,
    color: hasColours(process.stderr) && "cyan",
    stream: process.stderr,
    isEnabled: true,
    discardStdin: false,
  }).start();
