import { useQueryClient } from "@tanstack/react-query";
import type { OperationName, OperationRequest } from "@rbee/sdk";
import { tell } from "../parts/toasts.tsx";
import { useRbee } from "@rbee/sdk/react";
import { addActivity, dismissActivity, type Activity } from "./activities.ts";

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
      addActivity({ job_id, title, operation, input, started_at: Date.now() });
      return job_id;
    } catch (error) {
      tell.bad(`${title}: refused`, error);
      return undefined;
    }
  };
}

/** Submits the same once more, in the place of the one before. */
export function useRelaunch(): (activity: Activity) => Promise<string | undefined> {
  const launch = useLaunch();
  return async ({ title, operation, input, job_id }) => {
    const next = await launch(title, operation, input as OperationRequest<typeof operation>);
    if (next !== undefined) dismissActivity(job_id);
    return next;
  };
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
