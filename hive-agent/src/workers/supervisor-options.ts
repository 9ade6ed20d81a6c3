import type { EngineStore } from "../binaries/store.ts";
import type { Log } from "../log.ts";
import type { PlanOptions } from "./plans.ts";

export interface SupervisorOptions extends Omit<PlanOptions, "engines" | "devices"> {
  /** Those in its home and those npm installed, unless given. */
  readonly engines?: EngineStore;
  /** What the machine has, unless given. */
  readonly devices?: PlanOptions["devices"];
  /** Records and logs are kept in `<home>/workers`. */
  readonly home: string;
  /** The first wait before a worker that died is started again; limits.worker_restart_min_ms unless given. */
  readonly restart_min_ms?: number;
  /** Seconds that what a request loads stays when idle; limits.keep_alive_s_default unless given. */
  readonly keep_alive?: number | undefined;
  /** How long what a request loads waits here for room; limits.room_wait_ms unless given. */
  readonly room_wait_ms?: number;
  readonly log?: Log;
  /** A worker came, got ready, or went. */
  readonly onChange?: () => void;
}
