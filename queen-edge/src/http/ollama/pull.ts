import { RbeeError, type JobEvent } from "@rbee/contracts";
import { registryOf } from "../../durable/ports.ts";
import { ApiJob } from "../api/api-job.ts";
import type { ApiCaller } from "../api/caller.ts";
import { heldResponse } from "../api/held-response.ts";
import { servedModels } from "../api/models.ts";
import { line } from "./answer.ts";
import { jsonForm, linesForm } from "./errors.ts";
import { ended, named } from "./fleet.ts";

/** `POST /api/pull`: fetches a model to a hive, from where such names live (`hf.co/org/repo:QUANT`). @throws RbeeError */
export async function pull(body: unknown, caller: ApiCaller): Promise<Response> {
  const { model: asked, stream = true } = named(body);
  const model = asked.replace(/^(https?:\/\/)?(hf\.co|huggingface\.co)\//, "");
  const there = (await servedModels(caller)).some(({ id }) => id === model);
  if (there) return stream ? lines(["pulling manifest", "success"]) : Response.json({ status: "success" });
  const input = { hive_id: await anyHive(caller), model };
  const job = await ApiJob.start(caller, { operation: "model_download", input });
  const headers = { "x-rbee-job-id": job.id };
  if (!stream) {
    return heldResponse({ caller, headers, form: jsonForm }, async (write) => {
      await ended(job);
      await write(JSON.stringify({ status: "success" }));
    });
  }
  return heldResponse({ caller, headers, form: linesForm }, async (write) => {
    await write(line({ status: "pulling manifest" }));
    for await (const event of job.events()) {
      const status = statusOf(event, model);
      if (status !== undefined) await write(line(status));
    }
  });
}

function statusOf(event: JobEvent, model: string): object | undefined {
  if (event.type === "progress" && event.unit === "bytes")
    return { status: `pulling ${model}`, digest: model, total: event.total, completed: event.done };
  if (event.type === "narration") return { status: event.human };
  return event.type === "result" ? { status: "success" } : undefined;
}

const lines = (statuses: readonly string[]): Response =>
  new Response(statuses.map((status) => line({ status })).join(""), {
    headers: { "content-type": "application/x-ndjson" },
  });

/** The one that has most memory to run it with. @throws RbeeError hive_offline */
async function anyHive({ env, principal }: ApiCaller): Promise<string> {
  const { hives } = await registryOf(env, principal.colony).status(principal.colony);
  const memory = (hive: (typeof hives)[number]) =>
    Math.max(0, ...hive.devices.map((device) => device.memory_total_bytes));
  const [best] = hives.filter(({ connected }) => connected).toSorted((one, other) => memory(other) - memory(one));
  if (best === undefined) throw new RbeeError("hive_offline", "no hive is connected");
  return best.hive_id;
}
