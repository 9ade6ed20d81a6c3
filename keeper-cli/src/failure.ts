import { styleText } from "node:util";
import { errors, problemOf, type ErrorCode } from "@rbee/contracts";
import { RbeeError } from "@rbee/sdk";
import { plain } from "./terminal/output.ts";

const EXIT_USAGE = 2;
const EXIT_FAILED = 6;
export const EXIT_INTERRUPTED = 130;

/** What each exit code of the errors table tells a script. */
export const exitMeanings: Readonly<Record<number, string>> = {
  2: "the command or its input was wrong",
  3: "there is no such hive, worker, model, job, …",
  4: "refused: by the key, or by what is in use",
  5: "not now: the same command may succeed later",
  6: "it was tried and failed",
  130: "cancelled or interrupted",
};

/** An error of the keeper's own, in the same words and codes as the queen's. */
export function fail(code: ErrorCode, detail?: string, hint?: string): RbeeError {
  return new RbeeError({ ...problemOf(code, detail), ...(hint === undefined ? {} : { hint }) });
}

/** The person pressed Ctrl-C; `message` says what came of it. */
export class Interrupted extends Error {}

/** An exit code means the same for every command: the errors table says what. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof Interrupted) return EXIT_INTERRUPTED;
  if (!(error instanceof RbeeError)) return EXIT_FAILED;
  return errors[error.code]?.exit ?? EXIT_FAILED;
}

/** Lines for stderr: `error[code]: what was wrong`, and below it what to do about it. */
export function formatFailure(error: unknown, colours: boolean): string {
  const paint = (style: "red" | "dim", text: string): string =>
    colours ? styleText(style, text, { validateStream: false }) : text;
  if (error instanceof Interrupted) return paint("dim", plain(error.message));
  if (error instanceof RbeeError) {
    return `${paint("red", `error[${error.code}]`)}: ${plain(error.message)}\n  ${paint("dim", plain(error.hint))}`;
  }
  const text = error instanceof Error ? (process.env["RBEE_DEBUG"] ? error.stack : error.message) : String(error);
  return `${paint("red", "error[internal]")}: ${plain(text)}\n  ${paint("dim", "RBEE_DEBUG=1 shows where.")}`;
}

/** The parser of the command line says what it did not understand. */
export const formatUsage = (error: unknown, colours: boolean): string =>
  formatFailure(
    fail(
      "invalid_input",
      error instanceof Error ? error.message : String(error),
      "Add --help to see what the command takes.",
    ),
    colours,
  );

/** The parser's own codes are negative; all of them mean that the command line was wrong. */
export const exitCodeForShell = (code: number | string | null | undefined): number => {
  const exit = Number(code ?? 0);
  return exit < 0 ? EXIT_USAGE : exit;
};
