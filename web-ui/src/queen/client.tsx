import { createContext, useContext } from "react";
import { useQuery, type UseQueryResult } from "@tanstack/react-query";
import type { JobClient, OperationName, OperationRequest, OperationResult } from "@rbee/sdk";

const Client = createContext<JobClient | undefined>(undefined);

export const ClientProvider = Client.Provider;

/** The way to the queen, or to the hive whose local server shows this page. */
export function useClient(): JobClient {
  const client = useContext(Client);
  if (client === undefined) throw new Error("nobody is signed in");
  return client;
}

interface AnswerOptions {
  readonly enabled?: boolean;
  readonly staleTime?: number;
}

/** What an operation answers, kept and shared between all that ask the same. */
export function useAnswer<K extends OperationName>(
  operation: K,
  input: OperationRequest<K>,
  options: AnswerOptions = {},
): UseQueryResult<OperationResult<K>> {
  const client = useClient();
  return useQuery({
    queryKey: [operation, input],
    queryFn: ({ signal }) => client.run(operation, input, { signal }),
    ...options,
  });
}
