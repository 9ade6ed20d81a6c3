import { styleText, stripVTControlCharacters } from "node:util";
import Table from "cli-table3";

export interface TableOptions {
  readonly width: number;
  readonly colours: boolean;
}

const GAP = 2;
const COLUMN_MIN = 6;
const noBorders = Object.fromEntries(
  ["top", "top-mid", "top-left", "top-right", "bottom", "bottom-mid", "bottom-left", "bottom-right"]
    .concat(["left", "left-mid", "mid", "mid-mid", "right", "right-mid", "middle"])
    .map((name) => [name, ""]),
);

/** Columns without lines between them, cut to the terminal's width. */
export function table(head: readonly string[], rows: readonly (readonly string[])[], options: TableOptions): string {
  const natural = head.map((title, i) => Math.max(title.length, ...rows.map((row) => lengthOf(row[i] ?? ""))) + GAP);
  const drawn = new Table({
    head: head.map((title) => (options.colours ? styleText("dim", title, { validateStream: false }) : title)),
    chars: noBorders,
    colWidths: fit(natural, options.width),
    style: { "padding-left": 0, "padding-right": GAP, head: [], border: [] },
  });
  drawn.push(...rows.map((row) => [...row]));
  return drawn.toString().replaceAll(/ +$/gm, "");
}

/** Takes what is too much from the widest column, again and again. */
function fit(natural: readonly number[], width: number): number[] {
  const widths = [...natural];
  for (let over = widths.reduce((sum, w) => sum + w, 0) - width; over > 0; over--) {
    const widest = widths.indexOf(Math.max(...widths));
    if ((widths[widest] ?? 0) <= COLUMN_MIN + GAP) break;
    widths[widest] = (widths[widest] ?? 0) - 1;
  }
  return widths;
}

const lengthOf = (cell: string): number => stripVTControlCharacters(cell).length;
