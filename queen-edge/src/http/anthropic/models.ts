import type { ApiCaller } from "../api/caller.ts";
import { findModel, servedModels, type ServedModel } from "../api/models.ts";

const modelOf = ({ id, since }: ServedModel) => ({
  type: "model",
  id,
  display_name: id,
  created_at: new Date(since).toISOString(),
});

/** `GET /models` and `GET /models/{id}`, as Anthropic's clients read them. @throws RbeeError model_not_found */
export async function showModels(caller: ApiCaller, id: string | undefined): Promise<Response> {
  const models = await servedModels(caller);
  if (id !== undefined) return Response.json(modelOf(findModel(models, id)));
  const data = models.map(modelOf);
  return Response.json({ data, has_more: false, first_id: data[0]?.id ?? null, last_id: data.at(-1)?.id ?? null });
}
