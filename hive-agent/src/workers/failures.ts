import { silentLog, type Log } from "../log.ts";

export type WorkerFailures = (what: string, workerId: string) => (error: unknown) => void;

/** What goes wrong with a worker and fails no request is told to whoever runs the agent. */
export const workerFailures =
  (log: Log = silentLog): WorkerFailures =>
  (what, worker_id) =>
  (error) =>
    log.error(`a worker could not be ${what}`, { worker_id, error: String(error) });
