import { depthOver, limits, RbeeError } from "@rbee/contracts";
import { readJson } from "@rbee/job-http";

/** A JSON body of bounded size and depth. @throws RbeeError payload_too_large, invalid_json, invalid_input */
export async function readBody(request: Request): Promise<unknown> {
  const body = await readJson(request);
  if (depthOver(body, limits.json_depth_max))
    throw new RbeeError("invalid_input", `the body is nested deeper than ${limits.json_depth_max}`);
  return body;
}
