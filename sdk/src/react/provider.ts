import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { createContext, createElement, useContext, useMemo, useState, type ReactElement, type ReactNode } from "react";
import { RbeeError } from "../error.ts";
import type { RbeeClient } from "../rbee-client.ts";
import { FleetWatch } from "./fleet-watch.ts";

interface Rbee {
  readonly client: RbeeClient;
  readonly watch: FleetWatch;
}

const Context = createContext<Rbee | undefined>(undefined);

export interface RbeeProviderProps {
  readonly client: RbeeClient;
  /** The page's own, if it has one. */
  readonly queryClient?: QueryClient | undefined;
  readonly children?: ReactNode;
}

/** Gives every hook below it one client, one cache and one stream of heartbeats. */
export function RbeeProvider({ client, queryClient, children }: RbeeProviderProps): ReactElement {
  const [own] = useState(() => new QueryClient());
  const rbee = useMemo(() => ({ client, watch: new FleetWatch(client) }), [client]);
  return createElement(
    Context.Provider,
    { value: rbee },
    createElement(QueryClientProvider, { client: queryClient ?? own }, children),
  );
}

/** The client itself, for what has no hook. */
export const useRbee = (): RbeeClient => useContextOfRbee().client;

export function useContextOfRbee(): Rbee {
  const rbee = useContext(Context);
  if (rbee === undefined) throw new Error("this hook needs an <RbeeProvider client={…}> around it");
  return rbee;
}

/** The client has tried again already where that helps: a refusal stays one. */
export const retryOnce = (failures: number, error: Error): boolean =>
  failures < 1 && error instanceof RbeeError && error.retryable;
