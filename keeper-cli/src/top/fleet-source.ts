import type { FleetState, JobClient, RbeeError } from "@rbee/sdk";

/** The fleet as it was last seen, and what is wrong when it cannot be seen any more. */
export interface Sight {
  readonly fleet: FleetState;
  readonly problem?: string;
}

/** Shows the fleet whenever it changes, until aborted; a queen that goes away is waited for. @throws RbeeError when she is not there at first */
export async function watchFleet(client: JobClient, signal: AbortSignal, show: (sight: Sight) => void): Promise<void> {
  const refused = new AbortController();
  let fleet: FleetState | undefined;
  const onConnection = (_connected: boolean, problem?: RbeeError): void => {
    if (problem === undefined) return;
    if (fleet === undefined) refused.abort(problem);
    else show({ fleet, problem: problem.message });
  };
  try {
    const heartbeats = client.heartbeats({ signal: AbortSignal.any([signal, refused.signal]), onConnection });
    for await (fleet of heartbeats) show({ fleet });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

/** The fleet as it is now. @throws RbeeError */
export function lookAtFleet(client: JobClient): Promise<FleetState> {
  return new Promise((resolve, reject) => {
    const enough = new AbortController();
    const show = ({ fleet }: Sight): void => {
      resolve(fleet);
      enough.abort();
    };
    watchFleet(client, enough.signal, show).catch(reject);
  });
}
