import { closes, limits } from "@rbee/contracts";
import type { Closed, Dial, Line, LineEvents, LineRequest } from "../../../hive-agent/src/link/line.ts";
import type { Actor } from "../platform/actor.ts";
import { requestOf, type SimResponse } from "../platform/globals.ts";
import { Pipe, type ClientEnd } from "../platform/pipe.ts";
import type { Agent } from "./agent.ts";

/** Where the Worker sends a hive's connection, once it has checked what can be checked without an object. */
type Route = { readonly actor: Actor; readonly url: string } | { readonly refused: Omit<Closed, "code"> };

const COLONY = "main";

/** One line of an agent, through the Worker to an object. */
export class SimLine implements Line, ClientEnd {
  readonly label: string;
  readonly lossy = true;
  /** Whose lane it is; `undefined`: the control line. */
  readonly lane: { readonly job_id: string; readonly term: number } | undefined;
  readonly #agent: Agent;
  readonly #events: LineEvents;
  #pipe: Pipe | undefined;
  #over = false;
  #url = "";

  constructor(agent: Agent, request: LineRequest, events: LineEvents) {
    this.#agent = agent;
    this.#events = events;
    const { world, id, unreachable } = agent.machine;
    this.lane = laneOf(request.url);
    this.label = this.lane === undefined ? `${id} control` : `${id} lane ${this.lane.job_id.slice(-1)}`;
    world.watch.lines.dialled(agent, this);
    agent.lines.add(this);
    if (unreachable) {
      world.schedule.after(world.random.between(1, limits.connect_wait_ms), () => this.#closed({ reason: "no route" }));
      return;
    }
    this.#arrive(request);
  }

  send(text: string): void {
    if (!this.#agent.isAlive) return;
    this.#agent.machine.world.watch.sent.said(this.#agent, this, text);
    // An agent of the version before says so, and is the same otherwise.
    this.#pipe?.up(this.#isOld ? text.replace(/^\{"t":"hello","version":\d+/, '{"t":"hello","version":1') : text);
  }

  close({ code }: { code: number }): void {
    this.#over = true;
    this.#agent.lines.delete(this);
    this.#pipe?.closeByClient(code);
  }

  terminate(): void {
    this.close({ code: 1006 });
  }

  /** The process is gone, and its sockets with it: closed by the operating system, or just silent. */
  abandon(how: "closed" | "silent", told_ms?: number): void {
    this.#over = true;
    if (how === "closed") this.#pipe?.closeByClient(1006);
    else this.#pipe?.vanish(told_ms);
  }

  /** Nothing goes over it any more. */
  get isOver(): boolean {
    return this.#over;
  }

  opened(): void {
    this.#agent.hear(() => {
      if (this.lane === undefined) this.#agent.machine.connectedWith = this.#url;
      this.#agent.machine.world.watch.sent.heard(this.#agent, this, "");
      this.#events.opened();
    });
  }

  message(text: string): void {
    if (this.#isOld && text.startsWith('{"t":"op"') && text.includes('"resume":'))
      this.#agent.machine.world.fail(`${this.label} was given what it cannot read: ${text}`);
    this.#agent.hear(() => {
      this.#agent.machine.world.watch.sent.heard(this.#agent, this, text);
      if (text.includes('"t":"cancel"')) this.#agent.machine.world.watch.cancels.heard(this.#agent, this, text);
      this.#events.message(text);
    });
  }

  closed(code: number, reason: string): void {
    this.#agent.machine.world.watch.lines.closed(this.#agent, this, code);
    this.#closed({ code, reason });
  }

  get #isOld(): boolean {
    return this.#agent.machine.plan.version === 1;
  }

  #arrive(request: LineRequest): void {
    const { world } = this.#agent.machine;
    const route = routeOf(this.#agent, request);
    if ("refused" in route) {
      world.schedule.after(world.platform.latency(), () => this.#closed(route.refused));
      return;
    }
    this.#url = route.url;
    world.platform.call<SimResponse>(undefined, route.actor, { method: "fetch", args: [requestOf(route.url)] }).then(
      ({ status, webSocket }) => {
        if (webSocket === null) return this.#closed({ status, reason: `the queen answered ${status}` });
        this.#pipe = new Pipe(world.platform, this, webSocket.server);
        if (this.#over) this.#pipe.closeByClient(closes.shutdown.code);
      },
      () => this.#closed({ status: 500, reason: "the queen is restarting" }),
    );
  }

  #closed(closed: Omit<Closed, "code"> & { code?: number }): void {
    if (this.#over) return;
    this.#over = true;
    this.#agent.lines.delete(this);
    this.#agent.hear(() => this.#events.closed({ code: 1006, ...closed }));
  }
}

export const dialler =
  (agent: Agent): Dial =>
  (request, events) =>
    new SimLine(agent, request, events);

function laneOf(url: string): SimLine["lane"] {
  if (!url.includes("/v1/lanes/")) return undefined;
  const [, job_id = "", term] = /\/v1\/lanes\/(\w+)\?term=(\d+)/.exec(url) ?? [];
  return { job_id, term: Number(term) };
}

function routeOf({ machine }: Agent, { url, headers }: LineRequest): Route {
  const { platform } = machine.world;
  if (url.endsWith("/v1/hives/connect")) {
    const queen_time = platform.queenTime();
    if (Math.abs(queen_time - Number(headers["time"])) > limits.signature_skew_ms)
      return { refused: { status: 401, reason: "the clock is off", queen_time } };
    return { actor: platform.actor("HIVE", `${COLONY}/${machine.id}`), url: machine.connectUrl() };
  }
  const sealed = headers["authorization"]?.slice("Bearer ".length).split(".")[0] ?? "";
  const { job_id, term } = JSON.parse(Buffer.from(sealed, "base64url").toString()) as { job_id: string; term: number };
  return { actor: platform.actor("JOB", `${COLONY}/${job_id}`), url: `https://job/lane?term=${term}` };
}
