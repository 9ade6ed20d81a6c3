import { z } from "zod";
import { Narration } from "../events.ts";
import { ActiveWorker, Check, Device, HiveInfo, QueuedJob } from "../fleet.ts";
import { HiveId, SomeLabels } from "../ids.ts";
import { limits } from "../limits.ts";
import type { Table } from "../operation.ts";
import { byQueen, hive_id, onHive } from "./rows.ts";

export const fleetOperations = {
  status: {
    ...byQueen,
    scope: "operator",
    summary: "Show hives, workers and the queue",
    input: z.strictObject({}),
    result: z.object({
      hives: z.array(HiveInfo),
      workers: z.array(ActiveWorker),
      queue: z.object({ queued: z.int(), running: z.int() }),
    }),
  },
  queue_list: {
    ...byQueen,
    scope: "operator",
    summary: "Show the jobs that wait: why, for how long, and whose they are",
    input: z.strictObject({
      limit: z.int().min(1).max(limits.queue_list_max).default(50).describe("Most jobs to show"),
    }),
    /** In the order in which they will be served. `queued`: all that wait. */
    result: z.object({ jobs: z.array(QueuedJob), queued: z.int().nonnegative() }),
  },
  hive_list: {
    ...byQueen,
    scope: "operator",
    summary: "List the enrolled hives",
    input: z.strictObject({}),
    result: z.object({ hives: z.array(HiveInfo) }),
  },
  hive_get: {
    ...byQueen,
    scope: "operator",
    summary: "Show one hive",
    input: z.strictObject({ hive_id }),
    result: z.object({ hive: HiveInfo }),
  },
  hive_status: {
    ...onHive,
    offline: "last_known",
    summary: "Ask a hive for a sign of life, now",
    input: z.strictObject({ hive_id }),
    progress: Narration,
    result: z.object({
      hive_id: HiveId,
      running: z.boolean(),
      /** Round trip from the hive to the queen and back, over the control socket. */
      rtt_ms: z.number().nonnegative().optional(),
      last_seen: z.int().nonnegative(),
    }),
  },
  hive_refresh_capabilities: {
    ...onHive,
    summary: "Look at a hive's devices again",
    input: z.strictObject({ hive_id }),
    progress: Narration,
    result: z.object({ success: z.literal(true), device_count: z.int().nonnegative(), devices: z.array(Device) }),
  },
  hive_check: {
    ...onHive,
    summary: "Let a hive test itself: storage, devices, disk, engine, models, clock, queen",
    input: z.strictObject({ hive_id }),
    progress: Narration,
    result: z.object({ checks: z.array(Check) }),
  },
  queen_check: {
    ...byQueen,
    scope: "operator",
    summary: "Let the queen test herself: storage, hives, secrets, clock, audit",
    input: z.strictObject({}),
    result: z.object({ checks: z.array(Check) }),
  },
  hive_token_create: {
    ...byQueen,
    scope: "admin",
    secret: true,
    summary: "Make a one-time token with which a machine joins the fleet",
    input: z.strictObject({
      label: HiveId.optional().describe("Name the hive will have; its host name otherwise"),
      expires_in: z
        .int()
        .min(1)
        .max(limits.join_token_ms_max / 1000)
        .default(limits.join_token_ms_max / 1000)
        .describe("Seconds until the token is worthless"),
      labels: SomeLabels.default([]).describe("Labels of the hive, by which jobs may ask for it"),
    }),
    /** `install_command`: what to type on the machine that shall join, in a clone of this project. */
    result: z.object({ token: z.string(), expires_at: z.int(), install_command: z.string() }),
  },
} as const satisfies Table;
