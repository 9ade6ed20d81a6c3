import { z } from "zod";
import { KeyId, KeyName } from "../ids.ts";
import { limits } from "../limits.ts";
import { scopes, type Table } from "../operation.ts";
import { byQueen } from "./rows.ts";

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
});
export type ApiKey = z.infer<typeof ApiKey>;

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
    }),
    result: ApiKey.extend({ key: z.string() }),
  },
  key_list: {
    ...byQueen,
    scope: "admin",
    summary: "List the API keys: what they may do, and when they were last used",
    input: z.strictObject({}),
    /** Oldest first; the owner's own key, a secret of the Worker, is not among them. */
    result: z.object({ keys: z.array(ApiKey) }),
  },
  key_revoke: {
    ...byQueen,
    scope: "admin",
    summary: "Make an API key worthless, within a second",
    input: z.strictObject({ key_id: KeyId.describe("Key, as in the list") }),
    result: z.object({ message: z.string() }),
  },
} as const satisfies Table;
