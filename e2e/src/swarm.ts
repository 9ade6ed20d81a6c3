import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { operationNames, operationOf, RbeeError, type HandlerEvent, type Inventory } from "@rbee/contracts";
import { systemClock } from "../../hive-agent/src/clock.ts";
import { enrol } from "../../hive-agent/src/credential.ts";
import type { HiveHandlers } from "../../hive-agent/src/jobs/handler.ts";
import { HiveLink } from "../../hive-agent/src/link/hive-link.ts";
import type { Dial } from "../../hive-agent/src/link/line.ts";
import { webSocketDial } from "../../hive-agent/src/link/ws-dial.ts";
import { silentLog } from "../../hive-agent/src/log.ts";
import { NodeSql } from "../../hive-agent/src/storage/node-sql.ts";
import type { House } from "./house.ts";

/** One dial to the queen, as `performance.now` tells the time. */
export interface Dialled {
  readonly at: number;
  readonly what: "control" | "lane";
}

export const MODEL = "script";

/** Many hives in this process, over real sockets to a real queen. Their engine counts, one number each `every_ms`. */
export class Swarm {
  readonly dials: Dialled[] = [];
  /** When each hive was last welcomed. */
  readonly connectedAt = new Map<string, number>();
  readonly #links: HiveLink[] = [];
  readonly #every_ms: number;
  #changed = Promise.withResolvers<void>();

  constructor(every_ms: number) {
    this.#every_ms = every_ms;
  }

  async join(house: House, hive_id: string): Promise<void> {
    const home = join(house.home, hive_id);
    mkdirSync(home);
    const { token } = await house.client().run("hive_token_create", { label: hive_id });
    const credential = await enrol(home, { queen_url: house.url, join_token: token, hive_id });
    const sql = new NodeSql(":memory:");
    const link = new HiveLink(
      {
        queen_url: house.url,
        dial: this.#counted(webSocketDial(systemClock)),
        clock: systemClock,
        log: silentLog,
        sql,
        sync: () => undefined,
        boot: "boot",
        headers: (time) => credential.headers(time),
        handlers: this.#handlers(hive_id),
        inventory: () => inventory,
      },
      {
        connected: () => {
          this.connectedAt.set(hive_id, performance.now());
          this.#changed.resolve();
          this.#changed = Promise.withResolvers();
        },
        disconnected: () => void this.connectedAt.delete(hive_id),
        refused: (error) => {
          throw error;
        },
      },
    );
    this.#links.push(link);
    link.start();
  }

  /** Resolves when so many are connected at the same time. */
  async connected(many: number): Promise<void> {
    while (this.connectedAt.size < many) await this.#changed.promise;
  }

  close(): void {
    for (const link of this.#links) link.close();
  }

  #counted(dial: Dial): Dial {
    return (request, events) => {
      this.dials.push({ at: performance.now(), what: request.url.includes("/lanes/") ? "lane" : "control" });
      return dial(request, events);
    };
  }

  #handlers(hive_id: string): HiveHandlers {
    const every_ms = this.#every_ms;
    // oxlint-disable-next-line require-yield
    const none = async function* (): AsyncGenerator<never, never, void> {
      throw new RbeeError("unsupported");
    };
    const onHives = operationNames.filter((name) => operationOf(name).executor !== "queen");
    return {
      ...(Object.fromEntries(onHives.map((name) => [name, none])) as unknown as HiveHandlers),
      async *infer(
        { max_tokens },
        { signal },
      ): AsyncGenerator<HandlerEvent, Awaited<ReturnType<typeof resultOf>>, void> {
        for (let n = 1; n <= max_tokens; n++) {
          await new Promise((resolve) => setTimeout(resolve, every_ms));
          signal.throwIfAborted();
          yield { type: "token", text: `${n} ` };
        }
        return resultOf(hive_id, max_tokens);
      },
    };
  }
}

/** What a whole answer of so many tokens says. */
export const textOf = (tokens: number): string => Array.from({ length: tokens }, (_, n) => `${n + 1} `).join("");

const WORKER = "worker-synthetic-9100";

const resultOf = (hive_id: string, tokens: number) => ({
  text: textOf(tokens),
  finish_reason: "length" as const,
  usage: { prompt_tokens: 1, cached_tokens: 0, completion_tokens: tokens, total_tokens: tokens + 1 },
  timings: { wait_ms: 0, prompt_ms: 0, generation_ms: 0, tokens_per_s: 0 },
  model: MODEL,
  hive_id,
  worker_id: WORKER,
});

const inventory: Inventory = {
  version: "0.1.0",
  platform: "test",
  devices: [],
  models: [{ id: MODEL, name: MODEL, size_bytes: 1, status: "ready", loaded: true }],
  workers: [
    {
      worker_id: WORKER,
      kind: "synthetic",
      model: MODEL,
      device: "cpu",
      state: "ready",
      slots: 4,
      context: 512,
      port: 9100,
      pid: 1,
    },
  ],
  slots_default: 4,
};
