import { useRbee } from "@rbee/sdk/react";
import { retryOnce } from "@rbee/sdk/react/parts";
import { useQuery } from "@tanstack/react-query";
import { isForbidden, modelsAwayOf, modelsOf, useFleet } from "../../queen/fleet.ts";

/** A model that can be asked; one that is away answers once its hive is back. */
export interface ChatModel {
  readonly id: string;
  readonly away: boolean;
}

const shown = (ids: readonly string[], away: boolean): ChatModel[] => ids.map((id) => ({ id, away }));

/** As the fleet has them; a key that may not see the fleet is told their names. */
export function useChatModels(): { readonly models: readonly ChatModel[] | undefined; readonly error: unknown } {
  const client = useRbee();
  const { fleet, error } = useFleet();
  const isBlind = isForbidden(error);
  const names = useQuery({
    queryKey: ["rbee", "model names"],
    queryFn: async () => client.modelNames(),
    enabled: isBlind,
    retry: retryOnce,
  });
  if (isBlind) return { models: names.data && shown(names.data, false), error: names.error ?? undefined };
  return {
    models: fleet && [...shown(modelsOf(fleet), false), ...shown(modelsAwayOf(fleet), true)],
    error,
  };
}
