import { z } from "zod";
import type { Table } from "../operation.ts";
import { byQueen } from "./rows.ts";

/** A moment: milliseconds since the epoch, or ISO 8601 (`2026-11-21`, `2026-11-21T08:00:00Z`). */
const Moment = z
  .union([z.int().min(0).max(8_640_000_000_000_000), z.iso.date(), z.iso.datetime({ offset: true })])
  .transform((moment) => (typeof moment === "number" ? moment : Date.parse(moment)));

/** What jobs used. All whole numbers, so that sums are exact. */
export const UsageSums = z.object({
  jobs: z.int().nonnegative(),
  failed: z.int().nonnegative(),
  cancelled: z.int().nonnegative(),
  prompt_tokens: z.int().nonnegative(),
  /** Of the prompt: those that the engine still had. */
  cached_tokens: z.int().nonnegative(),
  completion_tokens: z.int().nonnegative(),
  /** Milliseconds for which slots were held, loading included. */
  slot_ms: z.int().nonnegative(),
  /** What it cost an engine: one for each prompt token that had to be read, four for each token made. */
  units: z.int().nonnegative(),
});
export type UsageSums = z.infer<typeof UsageSums>;

export const usageBy = ["key", "model", "hive"] as const;
export type UsageBy = (typeof usageBy)[number];

export const usageOperations = {
  usage_report: {
    ...byQueen,
    scope: "operator",
    summary: "Show what was used: jobs, tokens, time and units by key, model or hive",
    input: z.strictObject({
      from: Moment.optional().describe("From the hour of this moment; from the beginning otherwise"),
      to: Moment.optional().describe("Until the hour of this moment, itself not counted; until now otherwise"),
      by: z.enum(usageBy).default("key").describe("What each row is about"),
    }),
    result: z.object({
      by: z.enum(usageBy),
      /** The most units first. `name` is empty for jobs that no hive ever had. */
      rows: z.array(UsageSums.extend({ name: z.string() })),
      total: UsageSums,
    }),
  },
} as const satisfies Table;
