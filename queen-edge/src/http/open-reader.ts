import { RbeeError } from "@rbee/contracts";
import type { Principal } from "@rbee/job-http";
import { jobOf } from "../durable/ports.ts";
import type { Env } from "../env.ts";
import { readerUrl, type ReaderRequest } from "../reader-socket.ts";

/** Opens a reader of a job. `undefined`: there is no such job for this key. `read`: a browser has read all of it. @throws RbeeError queue_full */
export async function openReader(
  { env, principal }: { env: Env; principal: Principal },
  job_id: string,
  request: ReaderRequest,
): Promise<WebSocket | "read" | undefined> {
  const asked = new Request(readerUrl(principal, request), { headers: { upgrade: "websocket" } });
  const { status, webSocket } = await jobOf(env, principal.colony, job_id).fetch(asked);
  if (status === 204) return "read";
  if (status === 404) return undefined;
  if (webSocket === null) throw new RbeeError("queue_full", "too many readers of this job");
  return webSocket;
}
