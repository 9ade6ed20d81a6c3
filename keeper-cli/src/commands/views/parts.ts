import { hasColours, paintOut } from "../../terminal/output.ts";
import { table } from "../../terminal/table.ts";

/** What the views of results are made of. */

type Paint = Parameters<typeof paintOut>[0];

const stateColours: Readonly<Record<string, Paint>> = {
  ready: "green",
  succeeded: "green",
  running: "cyan",
  dispatched: "cyan",
  starting: "yellow",
  draining: "yellow",
  queued: "yellow",
  partial: "yellow",
  cancelled: "dim",
  failed: "red",
  dead: "red",
  invalid: "red",
  unreachable: "red",
};

export const coloured = (state: string): string => paintOut(stateColours[state] ?? "reset", state);

/** A table as wide as the terminal; whole in a pipe. The first column is what a person types again: it is never cut. */
export const columns = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  table(head, rows, {
    width: process.stdout.columns ?? Infinity,
    colours: hasColours(process.stdout),
    whole: [0],
  });

/** What nobody can tell for any row has no column. */
export function withoutEmpty(head: readonly string[], rows: readonly (readonly string[])[]): [string[], string[][]] {
  const told = head.map((_, i) => rows.some((row) => row[i] !== ""));
  const kept = <T>(cells: readonly T[]): T[] => cells.filter((_, i) => told[i]);
  return [kept(head), rows.map(kept)];
}

/** One thing, a field a line; more lines of a field stand below its first. Fields that are absent are left out. */
export function sheet(fields: Readonly<Record<string, string | readonly string[] | undefined>>): string {
  const given = Object.entries(fields).flatMap(([name, value]) => {
    const lines = typeof value === "string" ? value.split("\n") : (value ?? []);
    return lines.length === 0 ? [] : [{ name, lines }];
  });
  const width = Math.max(...given.map(({ name }) => name.length));
  const indent = " ".repeat(width + 2);
  return given
    .map(({ name, lines }) => `${paintOut("dim", name.padEnd(width))}  ${lines.join(`\n${indent}`)}`)
    .join("\n");
}

/** A result that says itself what was done. */
export const renderMessage = ({ message }: { readonly message: string }): string => message;
