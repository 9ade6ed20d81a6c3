import type { OperationName, OperationRequest, OperationResult } from "@rbee/contracts";
import { useQuery, type UseQueryResult } from "@tanstack/react-query";
import { retryOnce, useRbee } from "./provider.ts";

/** The answer to a question, cached: `useOperation("model_search", { query })`. For what only reads; it may be asked again. */
export function useOperation<K extends OperationName>(
  operation: K,
  input: OperationRequest<K>,
  { enabled = true }: { readonly enabled?: boolean } = {},
): UseQueryResult<OperationResult<K>> {
  const client = useRbee();
  return useQuery({
    queryKey: ["rbee", operation, input],
    queryFn: async ({ signal }) => client.call(operation, input, { signal }).result(),
    enabled,
    retry: retryOnce,
  });
}
