import { styleText, stripVTControlCharacters } from "node:util";
import Table from "cli-table3";

export interface TableOptions {
  readonly width: number;
  readonly colours: boolean;
  /** Columns that are never cut: what is in them is to be typed again. */
  readonly whole?: readonly number[];
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
    colWidths: fit(natural, options),
    style: { "padding-left": 0, "padding-right": GAP, head: [], border: [] },
  });
  drawn.push(...rows.map((row) => [...row]));
  return drawn.toString().replaceAll(/ +$/gm, "");
}

/** Takes what is too much from the widest column, again and again. */
function fit(natural: readonly number[], { width, whole = [] }: TableOptions): number[] {
  const widths = [...natural];
  for (let over = widths.reduce((sum, w) => sum + w, 0) - width; over > 0; over--) {
    const widest = Math.max(...widths.filter((_, i) => !whole.includes(i)));
    if (widest <= COLUMN_MIN + GAP) break;
    const at = widths.findIndex((w, i) => w === widest && !whole.includes(i));
    widths[at] = widest - 1;
  }
  return widths;
}

const lengthOf = (cell: string): number => stripVTControlCharacters(cell).length;
