import { z } from "zod";
import { Narration } from "../events.ts";
import { ActiveWorker, HiveInfo } from "../fleet.ts";
import { HiveId } from "../ids.ts";
import { limits } from "../limits.ts";
import type { Table } from "../operation.ts";

const queenAnswers = { executor: "queen", rerun: "always", offline: "fail", progress: Narration } as const;

export const fleetOperations = {
  status: {
    ...queenAnswers,
    scope: "operator",
    summary: "Show hives, workers and the queue",
    input: z.strictObject({}),
    result: z.object({
      hives: z.array(HiveInfo),
      workers: z.array(ActiveWorker),
      queue: z.object({ queued: z.int(), running: z.int() }),
    }),
  },
  hive_list: {
    ...queenAnswers,
    scope: "operator",
    summary: "List the enrolled hives",
    input: z.strictObject({}),
    result: z.object({ hives: z.array(HiveInfo) }),
  },
  hive_get: {
    ...queenAnswers,
    scope: "operator",
    summary: "Show one hive",
    input: z.strictObject({ hive_id: HiveId.default("localhost").describe("Hive") }),
    result: z.object({ hive: HiveInfo }),
  },
  hive_status: {
    executor: "hive",
    scope: "operator",
    rerun: "always",
    offline: "last_known",
    summary: "Ask a hive for a sign of life, now",
    input: z.strictObject({ hive_id: HiveId.default("localhost").describe("Hive") }),
    progress: Narration,
    result: z.object({
      hive_id: HiveId,
      running: z.boolean(),
      /** Round trip from the hive to the queen and back, over the control socket. */
      rtt_ms: z.number().nonnegative().optional(),
      last_seen: z.int().nonnegative(),
    }),
  },
  hive_token_create: {
    ...queenAnswers,
    scope: "admin",
    summary: "Make a one-time token with which a machine joins the fleet",
    input: z.strictObject({
      label: HiveId.optional().describe("Name the hive will have; its host name otherwise"),
      expires_in: z
        .int()
        .min(1)
        .max(limits.join_token_ms_max / 1000)
        .default(limits.join_token_ms_max / 1000)
        .describe("Seconds until the token is worthless"),
    }),
    result: z.object({ token: z.string(), expires_at: z.int() }),
  },
} as const satisfies Table;
