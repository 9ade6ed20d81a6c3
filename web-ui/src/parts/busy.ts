import { useState } from "react";

/** For the button that begins some work: it is off until the work is done, so that a second click does not begin it twice. */
export function useBusy(): { readonly busy: boolean; readonly during: (work: Promise<unknown>) => void } {
  const [busy, setBusy] = useState(false);
  const during = (work: Promise<unknown>): void => {
    setBusy(true);
    void work.finally(() => setBusy(false));
  };
  return { busy, during };
}
