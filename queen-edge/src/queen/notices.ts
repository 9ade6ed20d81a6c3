import { narrate } from "@rbee/contracts";
import type { Placed } from "@rbee/job-core";
import type { Effect } from "./effects.ts";

/** Readers are told that a hive broke off, before it is known whether it comes back. */
export const hiveAway = ({ hive_id, lease_until }: Placed, now: number): Effect => ({
  do: "tell",
  notice: {
    ...narrate("queen", "hive_away", `${hive_id} is away; waiting up to ${seconds(lease_until - now)} s for it`),
    level: "warn",
  },
});

export const hiveBack = ({ hive_id }: Placed): Effect => ({
  do: "tell",
  notice: narrate("queen", "hive_back", `${hive_id} is back`),
});

const seconds = (ms: number): number => Math.ceil(ms / 1_000);
