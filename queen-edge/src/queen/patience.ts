import type { OpenJob } from "./ledger.ts";

/** Until when a queued job waits; `undefined`: for as long as it takes. */
export const waitsUntil = ({ want, since }: OpenJob): number | undefined =>
  want.max_wait_ms === undefined ? undefined : since + want.max_wait_ms;
