import { RbeeError, type ActiveWorker, type OperationResult } from "@rbee/contracts";
import { authorize } from "@rbee/job-http";
import { z } from "zod";
import { registryOf } from "../../durable/ports.ts";
import { ApiJob } from "../api/api-job.ts";
import type { ApiCaller } from "../api/caller.ts";
import { exactModel, findModel, servedModels, type ServedModel } from "../api/models.ts";
import { optional, parseBody } from "../openai/parse.ts";
import { dropUndefined } from "../openai/sampling.ts";
import { modelName } from "./request.ts";

/** Ollama names models with a tag, always. */
const tagged = (id: string): string => (id.includes(":") ? id : `${id}:latest`);

interface Details {
  readonly architecture?: string | undefined;
  readonly quantization?: string | undefined;
  readonly parameters?: number | undefined;
  readonly context?: number | undefined;
}

const BILLION = 1e9;
const MILLION = 1e6;

const detailsOf = ({ id }: ServedModel, { architecture = "", quantization, parameters }: Details = {}) => ({
  parent_model: "",
  format: "gguf",
  family: architecture,
  families: architecture === "" ? [] : [architecture],
  parameter_size: parameters === undefined ? "" : sizeOf(parameters),
  quantization_level: quantization ?? id.split(":")[1] ?? "",
});

const sizeOf = (parameters: number): string =>
  parameters >= BILLION ? `${(parameters / BILLION).toFixed(1)}B` : `${(parameters / MILLION).toFixed(1)}M`;

const entryOf = (model: ServedModel) => ({
  name: tagged(model.id),
  model: tagged(model.id),
  modified_at: new Date(model.since).toISOString(),
  size: model.size_bytes,
  digest: model.digest ?? "",
  details: detailsOf(model),
});

/** `GET /api/tags` */
export const tags = async (caller: ApiCaller): Promise<Response> =>
  Response.json({ models: (await servedModels(caller)).map(entryOf) });

/** `GET /api/ps`: models that some worker has loaded. What those of a hive that is away have nobody knows. */
export async function ps(caller: ApiCaller): Promise<Response> {
  const { env, principal } = caller;
  const [models, { workers }] = await Promise.all([
    servedModels(caller),
    registryOf(env, principal.colony).status(principal.colony),
  ]);
  const there = workers.filter(({ state }) => state === "ready" || state === "draining");
  const loaded = models.flatMap((model) => {
    const holders = there.filter((worker) => worker.model === model.id);
    if (holders.length === 0) return [];
    const size_vram = holders.some(({ device }) => device !== "cpu") ? model.size_bytes : 0;
    return [{ ...entryOf(model), expires_at: expiry(holders), size_vram }];
  });
  return Response.json({ models: loaded });
}

/** That of the worker that stays longest: one without an end stays until somebody stops it. */
const expiry = (holders: readonly ActiveWorker[]): string =>
  new Date(Math.max(...holders.map(({ expires_at }) => expires_at ?? NEVER))).toISOString();

const NEVER = Date.UTC(9_999, 11, 31, 23, 59, 59);

/** Older clients say `name`. */
const Named = z
  .looseObject({ model: optional(z.string()), name: optional(z.string()), stream: optional(z.boolean()) })
  .transform(({ model, name, stream }) => ({ model: modelName(model ?? name ?? ""), stream }));

export const named = (body: unknown) => parseBody(Named, body);

/** `POST /api/show`. What a file says of itself is an operator's to ask of a hive. @throws RbeeError */
export async function show(body: unknown, caller: ApiCaller): Promise<Response> {
  const model = findModel(await servedModels(caller), named(body).model);
  const details = await detailsFrom(model, caller).catch(() => undefined);
  return Response.json({
    modelfile: `FROM ${model.id}`,
    parameters: "",
    template: "",
    ...(details?.licence === undefined ? {} : { license: details.licence }),
    details: detailsOf(model, details),
    model_info: infoOf(details),
    capabilities: capabilitiesOf(details),
    modified_at: new Date(model.since).toISOString(),
  });
}

/** What is not known is left out. */
const infoOf = ({ architecture, parameters, context }: Details = {}) =>
  dropUndefined({
    "general.architecture": architecture,
    "general.parameter_count": parameters,
    ...(architecture === undefined ? {} : { [`${architecture}.context_length`]: context }),
  });

/** Clients offer a model only for what it says it can: one of which nothing is known is taken for what most are. */
const capabilitiesOf = ({ architecture = "" }: Details = {}) =>
  /bert|t5encoder/.test(architecture) ? ["embedding"] : ["completion", "tools"];

type ModelDetails = OperationResult<"model_get">["model"];

async function detailsFrom({ id, hives }: ServedModel, caller: ApiCaller): Promise<ModelDetails | undefined> {
  const [hive_id] = hives;
  if (hive_id === undefined) return undefined;
  const job = await ApiJob.start(caller, { operation: "model_get", input: { hive_id, id } });
  const result = (await ended(job)) as OperationResult<"model_get">;
  return result.model;
}

/** `DELETE /api/delete`: from every hive that has it. @throws RbeeError */
export async function remove(body: unknown, caller: ApiCaller): Promise<Response> {
  authorize(caller.principal, "operator");
  const { id, hives } = exactModel(await servedModels(caller), named(body).model);
  for (const [part, hive_id] of hives.entries()) {
    const input = { hive_id, id, force: true };
    await ended(await ApiJob.start(caller, { operation: "model_delete", input, part }));
  }
  return new Response(null, { status: 200 });
}

/** Stops the workers of a model on every hive that has it. @throws RbeeError */
export async function unload({ id }: ServedModel, caller: ApiCaller): Promise<void> {
  const { env, principal } = caller;
  authorize(principal, "operator");
  const { workers } = await registryOf(env, principal.colony).status(principal.colony);
  const there = workers.filter(({ model, state }) => model === id && state !== "unreachable" && state !== "dead");
  for (const [part, hive_id] of [...new Set(there.map((worker) => worker.hive_id))].entries())
    await ended(await ApiJob.start(caller, { operation: "model_unload", input: { hive_id, id }, part }));
}

/** What a job ends with. @throws RbeeError */
export async function ended(job: ApiJob): Promise<Record<string, unknown>> {
  for await (const event of job.events()) if (event.type === "result") return event.result;
  throw new RbeeError("unavailable");
}
