import { useState } from "react";
import { useQueryClient } from "@tanstack/react-query";
import type { OperationName, OperationRequest } from "@rbee/sdk";
import { tell } from "../parts/toasts.tsx";
import { useRbee } from "@rbee/sdk/react";
import { addActivity, replaceActivity } from "./activities.ts";

/** Starts a job that takes its time; the tray shows it from then on. @returns its id, or nothing when it was refused */
export function useLaunch(): <K extends OperationName>(
  title: string,
  operation: K,
  input: OperationRequest<K>,
) => Promise<string | undefined> {
  const client = useRbee();
  return async (title, operation, input) => {
    try {
      const { job_id } = await client.submit(operation, input);
      addActivity({ job_id, title, operation, started_at: Date.now() });
      return job_id;
    } catch (error) {
      tell.bad(`${title}: refused`, error);
      return undefined;
    }
  };
}

/** Asks once more for what a job was asked for; the queen knows it. In the tray the new one takes its place. */
export function useRetry(): (job_id: string) => Promise<string | undefined> {
  const client = useRbee();
  return async (job_id) => {
    try {
      const next = (await client.retry(job_id)).job_id;
      replaceActivity(job_id, next);
      return next;
    } catch (error) {
      tell.bad("Not tried again", error);
      return undefined;
    }
  };
}

/** Stops a job; the button waits until the job has heard it, or says that it did not. */
export function useCancel(job_id: string): { readonly cancelling: boolean; readonly cancel: () => Promise<void> } {
  const client = useRbee();
  const [asked, setAsked] = useState<string>();
  const cancel = async (): Promise<void> => {
    setAsked(job_id);
    try {
      await client.cancel(job_id);
    } catch (error) {
      setAsked(undefined);
      tell.bad("Not cancelled", error);
    }
  };
  return { cancelling: asked === job_id, cancel };
}

/** Runs something short, and says how it went. */
export function useAct(): <K extends OperationName>(
  done: string,
  operation: K,
  input: OperationRequest<K>,
) => Promise<boolean> {
  const client = useRbee();
  const queries = useQueryClient();
  return async (done, operation, input) => {
    try {
      await client.run(operation, input);
      tell.good(done);
      return true;
    } catch (error) {
      tell.bad("That did not work", error);
      return false;
    } finally {
      void queries.invalidateQueries();
    }
  };
}
