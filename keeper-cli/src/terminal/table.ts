import { styleText } from "node:util";
import Table from "cli-table3";
import stringWidth from "string-width";

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

/**
 * Columns without lines between them, no wider than the terminal: the widest are cut first, and where that is not enough
 * the last ones, which matter least, are left out.
 */
export function table(head: readonly string[], rows: readonly (readonly string[])[], options: TableOptions): string {
  const natural = head.map(
    (title, i) => Math.max(...[title, ...rows.map((row) => row[i] ?? "")].map((cell) => stringWidth(cell))) + GAP,
  );
  const colWidths = fit(natural, options);
  const shown = colWidths.length;
  const drawn = new Table({
    head: head
      .slice(0, shown)
      .map((title) => (options.colours ? styleText("dim", title, { validateStream: false }) : title)),
    chars: noBorders,
    colWidths,
    style: { "padding-left": 0, "padding-right": GAP, head: [], border: [] },
  });
  drawn.push(...rows.map((row) => row.slice(0, shown)));
  return drawn.toString().replaceAll(/ +$/gm, "");
}

/** Widths of the columns that there is room for. */
function fit(natural: readonly number[], { width, whole = [] }: TableOptions): number[] {
  const widths = [...natural];
  // Behind the last column nothing follows.
  const over = (): number => widths.reduce((sum, w) => sum + w, -GAP) - width;
  while (over() > 0) {
    const widest = Math.max(...widths.filter((_, i) => !whole.includes(i)));
    if (widest > COLUMN_MIN + GAP) widths[widths.findIndex((w, i) => w === widest && !whole.includes(i))] = widest - 1;
    else if (widths.length > 1) widths.pop();
    else break;
  }
  return widths;
}
