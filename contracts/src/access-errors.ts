import type { ErrorRow } from "./error-row.ts";

/** What a key may not do, or not now, and what there may be no more of. */
export const accessErrors = {
  unauthorized: {
    status: 401,
    exit: 4,
    retryable: false,
    title: "No valid key was sent",
    help: "Send `Authorization: Bearer rbk_…`; `rbee up` prints the key of a local queen, `rbee keys create` makes others.",
  },
  forbidden: {
    status: 403,
    exit: 4,
    retryable: false,
    title: "The key may not do this",
    help: "Use a key whose scope covers the operation.",
  },
  rate_limited: {
    status: 429,
    exit: 5,
    retryable: true,
    title: "The key has used up one of its limits",
    help: "Wait as long as `detail` and `Retry-After` say; `rbee keys list` shows each key's limits and what it used today.",
  },
  limit_reached: {
    status: 409,
    exit: 4,
    retryable: false,
    title: "There may be no more of these",
    help: "Remove one that is not needed, then try again.",
  },
} as const satisfies Record<string, ErrorRow>;
