import ora, { type Ora } from "ora";

/** A line that shows that something goes on. A terminal is a terminal, also where CI is set; and Ctrl-C is ours: the keyboard stays as it is. */
export const spinner = (text: string): Ora =>
  ora({ text, stream: process.stderr, isEnabled: true, discardStdin: false }).start();
