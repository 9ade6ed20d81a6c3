import type { Op } from "@rbee/contracts";

/** An operation as the queen would send it; for tests. */
export const op = (term = 1, job_id = `job_${"a".repeat(26)}`): Op => ({
  t: "op",
  job_id,
  term,
  operation: "model_list",
  input: {},
  lane_token: "token",
});
