import { CSPProvider } from "@base-ui/react/csp-provider";
import { RbeeClient } from "@rbee/sdk";
import { RbeeProvider } from "@rbee/sdk/react";
import { retryOnce } from "@rbee/sdk/react/parts";
import { QueryCache, QueryClient } from "@tanstack/react-query";
import { useMemo } from "react";
import { Boundary } from "./parts/boundary.tsx";
import { Toasts } from "./parts/toasts.tsx";
import { isRefusal } from "./queen/fleet.ts";
import { session, signOut } from "./session.ts";
import { Shell } from "./shell.tsx";
import { SignIn } from "./sign-in.tsx";
import { useStore } from "./store.ts";

export function App() {
  const { key, farewell } = useStore(session);
  return (
    <CSPProvider disableStyleElements>
      <Boundary>{key === undefined ? <SignIn farewell={farewell} /> : <SignedIn key={key} apiKey={key} />}</Boundary>
      <Toasts />
    </CSPProvider>
  );
}

function SignedIn({ apiKey }: { apiKey: string }) {
  const client = useMemo(() => new RbeeClient({ url: location.origin, key: apiKey }), [apiKey]);
  const queryClient = useMemo(() => new QueryClient({ queryCache, defaultOptions }), []);
  return (
    <RbeeProvider client={client} queryClient={queryClient}>
      <Shell />
    </RbeeProvider>
  );
}

const defaultOptions = { queries: { staleTime: 10_000, retry: retryOnce } };

/** A key that is refused ends the session, wherever it is noticed. */
const queryCache = new QueryCache({ onError: (error) => (isRefusal(error) ? signOut(error) : undefined) });
