import type { ApiKey } from "@rbee/contracts";
import type { OperationResult } from "@rbee/sdk";
import { paintOut } from "../../terminal/output.ts";
import { ago, duration } from "../../terminal/words.ts";
import { columns, sheet, withoutEmpty } from "./parts.ts";

const expiry = ({ expires_at }: ApiKey): string =>
  expires_at === undefined ? "" : `in ${duration(Math.max(0, expires_at - Date.now()))}`;

/** As the flags call them: `requests-per-minute 60`. */
const limitsOf = ({ limits = {} }: ApiKey): string[] =>
  Object.entries(limits).map(([name, limit]) => `${name.replaceAll("_", "-")} ${limit}`);

export function renderKeys({ keys }: OperationResult<"key_list">): string {
  if (keys.length === 0)
    return "Only the owner's key so far: `rbee keys create <name>` makes one for a program or a person.";
  const head = ["key", "scope", "made", "last used", "jobs today", "tokens today", "expires", "limits"];
  const rows = keys.map((key) => [
    key.key_id,
    key.scope,
    ago(key.created_at),
    key.last_used === undefined ? "never" : ago(key.last_used),
    String(key.today.jobs),
    String(key.today.tokens),
    expiry(key),
    limitsOf(key).join(", "),
  ]);
  return columns(...withoutEmpty(head, rows));
}

export const renderNewKey = ({ key, ...made }: OperationResult<"key_create">): string =>
  [
    sheet({ id: made.key_id, scope: made.scope, expires: expiry(made) || undefined, limits: limitsOf(made) }),
    "",
    paintOut("cyan", `  RBEE_API_KEY=${key}`),
    "",
    "It is shown this once: only its hash is kept.",
  ].join("\n");
