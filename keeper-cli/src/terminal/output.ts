import { styleText } from "node:util";

type Style = Parameters<typeof styleText>[0];

/** Data goes to stdout, words about it to stderr: a pipe gets nothing but data. */
export const printData = (text: string): void => void process.stdout.write(text.endsWith("\n") ? text : `${text}\n`);
export const printJson = (value: unknown): void => void process.stdout.write(`${JSON.stringify(value)}\n`);
export const say = (text: string): void => void process.stderr.write(`${text}\n`);

/** Colours only on a terminal; NO_COLOR and FORCE_COLOR are honoured. */
export const paintOut = (style: Style, text: string): string => styleText(style, text, { stream: process.stdout });
export const paintErr = (style: Style, text: string): string => styleText(style, text, { stream: process.stderr });

const WIDTH_WITHOUT_TERMINAL = 120;
export const widthOf = (stream: NodeJS.WriteStream): number => stream.columns ?? WIDTH_WITHOUT_TERMINAL;

/** Generated text is not ours: on a terminal its control characters could do anything. A pipe gets it as it is. */
export function printable(text: string): string {
  if (!process.stdout.isTTY) return text;
  // oxlint-disable-next-line no-control-regex
  return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, "");
}
