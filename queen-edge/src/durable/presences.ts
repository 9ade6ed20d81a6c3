import { limits } from "@rbee/contracts";
import type { Env } from "../env.ts";
import type { Fleet } from "../queen/fleet.ts";
import { hiveOf } from "./ports.ts";

/** A flag in storage says which hives were here; a crash of the queen closes sockets without telling. */
export class Presences {
  readonly #env: Env;
  readonly #fleet: Fleet;
  /** When each hive's stored presence was last held against its socket. */
  readonly #checked = new Map<string, number>();

  constructor(env: Env, fleet: Fleet) {
    this.#env = env;
    this.#fleet = fleet;
  }

  seen(hive_id: string): void {
    this.#checked.set(hive_id, Date.now());
  }

  /** Asks the hives' objects, never the hives. @returns whether any was asked */
  async check(colony: string): Promise<boolean> {
    const now = Date.now();
    const due = this.#fleet
      .all()
      .filter((hive) => hive.connected && now - (this.#checked.get(hive.hive_id) ?? 0) > limits.presence_check_ms);
    await Promise.all(
      due.map(async ({ hive_id, session }) => {
        const presence = await hiveOf(this.#env, colony, hive_id).presence();
        if (presence.connected) this.#checked.set(hive_id, now);
        else this.#fleet.disconnected(hive_id, session, now);
      }),
    );
    return due.length > 0;
  }
}
