import type { Actor } from "../platform/actor.ts";
import type { ServerSocket } from "../platform/socket.ts";
import { forgetsEarly } from "../world/client.ts";
import type { World } from "../world/world.ts";
import { coverage } from "./records.ts";

/** Also by the death, or the sleep, of whoever had just dialled. */
const LOSES_HELLO = /^(drop|truncate|stall|overtaken|kill|pause|suspend|crash.*|power.*)$/;
const HELLO_MS = 1_000;

/** Readers are shown events at once, but the first token, the end and what another hive may go on behind only when durable. */
export class Shown {
  readonly #world: World;
  readonly #tokenKept = new Set<Actor>();
  readonly #isHeard: boolean;
  readonly #forgetsEarly: boolean;

  constructor(world: World) {
    this.#world = world;
    this.#forgetsEarly = forgetsEarly(world.scenario);
    this.#isHeard = !world.scenario.faults.some(({ kind }) => LOSES_HELLO.test(kind));
  }

  said(actor: Actor, text: string): void {
    const phase = actor.storage.db.peek("job")[0]?.["phase"] as string | undefined;
    // It was durable; its log's time was up, by a clock that jumped, before this word was out.
    if (phase === undefined && this.#forgetsEarly) return;
    if (text.includes('"type":"token"')) this.#token(actor, text);
    const isThere = actor.sockets.some((ws) => ws.tags.includes("lane") && ws.readyState === 1 && this.#isUsed(ws));
    if (text.includes('"action":"hive_away"') && isThere)
      this.#world.fail(`${actor.name} told a reader that a hive is away that is there`);
    if (!text.includes("data: [DONE]")) return;
    if (phase === undefined || !phase.includes('"finished_at"'))
      this.#world.fail(`${actor.name} told a reader an end that is not durable`);
  }

  /** Its hello has had the time to be heard. */
  #isUsed({ pipe }: ServerSocket): boolean {
    return this.#isHeard && pipe?.isOpen === true && this.#world.schedule.now - pipe.openedAt > HELLO_MS;
  }

  #token(actor: Actor, text: string): void {
    const continues = this.#world.planOf(actor.name.slice(actor.name.lastIndexOf("/") + 1)).continues;
    if (!continues && this.#tokenKept.has(actor)) return;
    this.#tokenKept.add(actor);
    for (const [, term, seq] of text.matchAll(/id: (\d+)\.(\d+)\ndata: \{"type":"token"/g)) {
      if (Number(seq) > coverage(actor.storage.db, Number(term)))
        this.#world.fail(`${actor.name} showed token ${term}.${seq} before it was durable`);
      if (!continues) return;
    }
  }
}
