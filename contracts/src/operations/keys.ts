import { z } from "zod";
import { KeyId, KeyName } from "../ids.ts";
import { limits } from "../limits.ts";
import { scopes, type Table } from "../operation.ts";
import { byQueen } from "./rows.ts";

/** What a key may use of the models. Jobs are counted when they are taken, tokens when their job ends. */
export const KeyLimits = z.strictObject({
  requests_per_minute: z
    .int()
    .min(1)
    .max(limits.key_requests_per_minute_max)
    .optional()
    .describe("Jobs that it may submit in each minute of the clock"),
  tokens_per_day: z
    .int()
    .min(1)
    .max(limits.key_tokens_per_day_max)
    .optional()
    .describe("Tokens, read and made, that it may use on a day in UTC; what runs then goes on"),
  concurrent: z
    .int()
    .min(1)
    .max(limits.open_jobs_per_key_max)
    .optional()
    .describe("Jobs that it may have open at once, running or waiting"),
});
export type KeyLimits = z.infer<typeof KeyLimits>;

/** An API key as its owner sees it. Times in milliseconds since the epoch. */
export const ApiKey = z.object({
  key_id: KeyId,
  name: KeyName,
  scope: z.enum(scopes),
  created_at: z.int(),
  /** Absent: it is good until it is revoked. */
  expires_at: z.int().optional(),
  /** To the hour; absent: not yet. */
  last_used: z.int().optional(),
  /** Absent, or one of them absent: it is not limited. */
  limits: KeyLimits.optional(),
});
export type ApiKey = z.infer<typeof ApiKey>;

/** A key, and what its jobs used that ended on this day, in UTC. */
export const UsedKey = ApiKey.extend({
  today: z.object({ jobs: z.int().nonnegative(), tokens: z.int().nonnegative() }),
});
export type UsedKey = z.infer<typeof UsedKey>;

export const keyOperations = {
  key_create: {
    ...byQueen,
    scope: "admin",
    secret: true,
    summary: "Make an API key for a program or a person; it is shown once",
    input: z.strictObject({
      name: KeyName.describe("Whose it is, or what for"),
      scope: z
        .enum(scopes)
        .default("infer")
        .describe("infer: use models; operator: run the fleet, too; admin: everything"),
      expires_in: z
        .int()
        .min(1)
        .max(limits.key_ms_max / 1000)
        .optional()
        .describe("Seconds until the key is worthless; until it is revoked otherwise"),
      limits: KeyLimits.optional().describe(
        "What it may use of the models, each if it is given: requests_per_minute, tokens_per_day, concurrent",
      ),
    }),
    result: ApiKey.extend({ key: z.string() }),
  },
  key_list: {
    ...byQueen,
    scope: "admin",
    summary: "List the API keys: what they may do and use, what they used today, and when they were last used",
    input: z.strictObject({}),
    /** Oldest first; the owner's own key, a secret of the Worker, is not among them. */
    result: z.object({ keys: z.array(UsedKey) }),
  },
  key_revoke: {
    ...byQueen,
    scope: "admin",
    summary:
      "Make an API key worthless, within a second; its streams of open jobs end, and jobs that it submitted go on, but for those that end with their stream",
    input: z.strictObject({ key_id: KeyId.describe("Key, as in the list") }),
    result: z.object({ message: z.string() }),
  },
} as const satisfies Table;
