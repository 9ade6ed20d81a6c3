import { Narration } from "../events.ts";
import { HiveId } from "../ids.ts";

/** What rows of a kind have in common. */

export const hive_id = HiveId.default("localhost").describe("Hive");

/** A hive does it, for those who run the fleet; again if it was lost meanwhile. */
export const onHive = { executor: "hive", scope: "operator", rerun: "always", offline: "fail" } as const;

/** The queen answers it herself. */
export const byQueen = { executor: "queen", rerun: "always", offline: "fail", progress: Narration } as const;
