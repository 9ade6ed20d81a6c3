import { stripVTControlCharacters, styleText } from "node:util";

type Style = Parameters<typeof styleText>[0];

/** Data goes to stdout, words about it to stderr: a pipe gets nothing but data. */
export const printData = (text: string): void => void process.stdout.write(text.endsWith("\n") ? text : `${text}\n`);
export const printJson = (value: unknown): void => void process.stdout.write(`${JSON.stringify(value)}\n`);
export const say = (text: string): void => void process.stderr.write(`${text}\n`);

/** Colours only on a terminal; NO_COLOR and FORCE_COLOR are honoured. */
export const paintOut = (style: Style, text: string): string => styleText(style, text, { stream: process.stdout });
export const paintErr = (style: Style, text: string): string => styleText(style, text, { stream: process.stderr });

export const hasColours = (stream: NodeJS.WriteStream): boolean => styleText("dim", "x", { stream }) !== "x";

const WIDTH_WITHOUT_TERMINAL = 120;
export const widthOf = (stream: NodeJS.WriteStream): number => stream.columns ?? WIDTH_WITHOUT_TERMINAL;

// oxlint-disable-next-line no-control-regex -- a tab and the end of a line are no danger
const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;

/** Words that are not ours, or what holds some: on a terminal their control characters could do anything. */
export function plain<T>(value: T): T;
export function plain(value: unknown): unknown {
  if (typeof value === "string") return stripVTControlCharacters(value).replace(CONTROLS, "");
  if (Array.isArray(value)) return value.map((one) => plain(one));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [plain(name), plain(one)]));
}

/** For stdout: plain on a terminal. A pipe gets it as it is. */
export const printable = <T>(value: T): T => (process.stdout.isTTY ? plain(value) : value);

/** A result as JSON for a program, or in the words that `render` has for a person. */
export function printResult<T>(
  { json }: { readonly json?: boolean | undefined },
  result: T,
  render: (result: T) => string,
): void {
  if (json === true) printJson(result);
  else printData(render(printable(result)));
}
