import type { OperationResult } from "@rbee/sdk";
import { paintOut } from "../../terminal/output.ts";
import { duration } from "../../terminal/words.ts";
import { columns } from "./parts.ts";

type Report = OperationResult<"usage_report">;

const count = new Intl.NumberFormat("en");

const cellsOf = (sums: Report["total"]): string[] => [
  count.format(sums.units),
  count.format(sums.jobs),
  count.format(sums.prompt_tokens),
  count.format(sums.completion_tokens),
  duration(sums.slot_ms),
  count.format(sums.cached_tokens),
  count.format(sums.failed),
  count.format(sums.cancelled),
];

/** The most units first, and the sum of all below. */
export function renderUsage({ by, rows, total }: Report): string {
  if (rows.length === 0) return "Nothing was used in this time.";
  const head = [by, "units", "jobs", "prompt", "made", "slot time", "cached", "failed", "cancelled"];
  const lines = rows.map(({ name, ...sums }) => [name === "" ? paintOut("dim", "(no hive)") : name, ...cellsOf(sums)]);
  const sum = ["total", ...cellsOf(total)].map((cell) => paintOut("bold", cell));
  return columns(head, [...lines, sum]);
}
