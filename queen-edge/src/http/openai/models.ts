import type { ApiCaller } from "../api/caller.ts";
import { findModel, servedModels, type ServedModel } from "../api/models.ts";

const modelOf = ({ id, owner, since }: ServedModel) => ({
  id,
  object: "model",
  created: Math.floor(since / 1_000),
  owned_by: owner,
});

/** `GET /models` */
export const listModels = async (caller: ApiCaller): Promise<Response> =>
  Response.json({ object: "list", data: (await servedModels(caller)).map(modelOf) });

/** `GET /models/{id}`; an id may have slashes. @throws RbeeError model_not_found */
export const getModel = async (caller: ApiCaller, id: string): Promise<Response> =>
  Response.json(modelOf(findModel(await servedModels(caller), id)));
