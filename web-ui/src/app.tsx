import { CSPProvider } from "@base-ui/react/csp-provider";
import { QueryCache, QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { JobClient } from "@rbee/sdk";
import { useMemo } from "react";
import { Toasts } from "./parts/toasts.tsx";
import { ClientProvider } from "./queen/client.tsx";
import { FleetProvider, isRefusal } from "./queen/fleet.tsx";
import { session, signOut } from "./session.ts";
import { Shell } from "./shell.tsx";
import { SignIn } from "./sign-in.tsx";
import { useStore } from "./store.ts";

export function App() {
  const { key, farewell } = useStore(session);
  return (
    <CSPProvider disableStyleElements>
      {key === undefined ? <SignIn farewell={farewell} /> : <SignedIn key={key} apiKey={key} />}
      <Toasts />
    </CSPProvider>
  );
}

function SignedIn({ apiKey }: { apiKey: string }) {
  const client = useMemo(() => new JobClient({ url: location.origin, key: apiKey }), [apiKey]);
  const queries = useMemo(
    () => new QueryClient({ queryCache, defaultOptions: { queries: { retry: false, staleTime: 5_000 } } }),
    [],
  );
  return (
    <ClientProvider value={client}>
      <QueryClientProvider client={queries}>
        <FleetProvider>
          <Shell />
        </FleetProvider>
      </QueryClientProvider>
    </ClientProvider>
  );
}

/** A key that is refused ends the session, wherever it is noticed. */
const queryCache = new QueryCache({ onError: (error) => (isRefusal(error) ? signOut(error) : undefined) });
