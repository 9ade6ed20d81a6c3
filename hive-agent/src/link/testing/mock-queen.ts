import { once } from "node:events";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { Duplex } from "node:stream";
import { text } from "node:stream/consumers";
import {
  ControlUp,
  EnrolRequest,
  LaneUpMessage,
  limits,
  parseFrame,
  PING,
  PONG,
  type JobEvent,
  type LaneDown,
  type LaneUp,
  type Op,
  type Outcome,
} from "@rbee/contracts";
import { EventLog } from "@rbee/job-core";
import { WebSocket, WebSocketServer } from "ws";
import { NodeSql } from "../../storage/node-sql.ts";

interface Refusal {
  status: number;
  headers?: Record<string, string>;
  body?: unknown;
}

/** What the queen holds of one job. */
class QueenJob {
  readonly log = EventLog.create(new NodeSql(":memory:"));
  term: number;
  outcome: Outcome | undefined;
  lane: WebSocket | undefined;
  lanes = 0;
  /** What came on lanes and as preludes, in order: of each message its frames, by type. */
  readonly messages: string[][] = [];

  constructor(term: number) {
    this.term = term;
    this.log.begin(term);
  }

  get frames(): string[] {
    return this.messages.flat();
  }

  get texts(): string[] {
    return [...this.log.after({ term: 0, seq: 0 })].map(({ event }) => textOf(event));
  }
}

const textOf = (event: JobEvent): string => (event.type === "token" ? event.text : event.type);

/** A queen that speaks the link over real sockets and can be made to misbehave. */
export class MockQueen {
  readonly #server: Server;
  readonly #sockets = new WebSocketServer({ noServer: true, autoPong: false });
  readonly #tcp = new Set<Socket>();
  readonly jobs = new Map<string, QueenJob>();
  readonly control: Extract<ControlUp, { t: string }>[] = [];
  connection: WebSocket | undefined;
  /** Answers to `POST /v1/enroll`. */
  enrol: ((request: EnrolRequest) => { status: number; body: unknown }) | undefined;
  /** An answer to an upgrade instead of a socket. */
  refuse: ((request: IncomingMessage) => Refusal | undefined) | undefined;
  /** Say nothing any more, on any socket, pings included. */
  mute = false;
  /** Drop the first frame of events, as if a line had lost it. */
  loseFrames = 0;
  /** Hear no preludes, as if the control socket had lost them. */
  losePreludes = false;
  #changed: (() => void)[] = [];
  #pings = 0;

  private constructor(server: Server) {
    this.#server = server;
    server.on("connection", (socket) => {
      this.#tcp.add(socket);
      socket.on("close", () => this.#tcp.delete(socket));
      // Agents are killed in mid-sentence here.
      socket.on("error", () => undefined);
    });
    server.on("request", (request, response) => {
      void text(request).then((body) => {
        const answer = this.enrol?.(EnrolRequest.parse(JSON.parse(body))) ?? { status: 404, body: {} };
        response.writeHead(answer.status, { "content-type": "application/json" }).end(JSON.stringify(answer.body));
      });
    });
    server.on("upgrade", (request, socket, head) => this.#upgrade(request, socket, head));
  }

  static async start(): Promise<MockQueen> {
    const server = createServer();
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return new MockQueen(server);
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.#server.close();
    for (const socket of this.#tcp) socket.destroy();
    await once(this.#server, "close");
  }

  /** Cuts every connection, as a deploy does. */
  cutAll(): void {
    for (const socket of this.#tcp) socket.destroy();
  }

  /** Stops reading, as a machine does that fell off the net. */
  freeze(): void {
    for (const socket of this.#tcp) socket.pause();
  }

  /** Resolves with the next protocol ping. */
  async pinged(): Promise<void> {
    const before = this.#pings;
    await this.until(() => this.#pings > before);
  }

  op(job: Partial<Op> & { job_id: string }): void {
    const op: Op = { t: "op", term: 1, operation: "model_list", input: {}, lane_token: "lane-token", ...job };
    const known = this.jobs.get(op.job_id);
    if (known === undefined) this.jobs.set(op.job_id, new QueenJob(op.term));
    else {
      known.term = op.term;
      known.log.begin(op.term);
    }
    this.connection?.send(JSON.stringify(op));
  }

  say(frame: unknown): void {
    this.connection?.send(typeof frame === "string" ? frame : JSON.stringify(frame));
  }

  sayEverywhere(text: string): void {
    for (const ws of this.#sockets.clients) ws.send(text);
  }

  job(job_id: string): QueenJob {
    const job = this.jobs.get(job_id);
    if (job === undefined) throw new Error(`no ${job_id}`);
    return job;
  }

  /** Resolves when the condition holds; looked at after everything that happens. */
  async until<T>(condition: () => T | undefined | false): Promise<T> {
    for (;;) {
      const found = condition();
      if (found !== undefined && found !== false) return found;
      await new Promise<void>((resolve) => this.#changed.push(resolve));
    }
  }

  async outcome(job_id: string): Promise<Outcome> {
    return this.until(() => this.jobs.get(job_id)?.outcome);
  }

  /** Something outside of the sockets happened. */
  poke = (): void => {
    for (const resolve of this.#changed.splice(0)) resolve();
  };

  /** A lane of a term that is over is not let in. */
  #refusal(request: IncomingMessage, lane: RegExpExecArray | null): Refusal | undefined {
    const job = lane?.[1] === undefined ? undefined : this.jobs.get(lane[1]);
    return this.refuse?.(request) ?? (job?.term === Number(lane?.[2]) || lane === null ? undefined : { status: 410 });
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const lane = /^\/v1\/lanes\/(job_\w+)\?term=(\d+)$/.exec(request.url ?? "");
    const refusal = this.#refusal(request, lane);
    if (refusal !== undefined) {
      const body = JSON.stringify(refusal.body ?? {});
      const headers = Object.entries({ "content-length": String(Buffer.byteLength(body)), ...refusal.headers });
      socket.end(`HTTP/1.1 ${refusal.status} No\r\n${headers.map(([k, v]) => `${k}: ${v}\r\n`).join("")}\r\n${body}`);
      return this.poke();
    }
    this.#sockets.handleUpgrade(request, socket, head, (ws) => {
      ws.on("ping", (data) => {
        this.#pings += 1;
        if (!this.mute) ws.pong(data);
        this.poke();
      });
      ws.on("message", (data: Buffer) => {
        if (this.mute) return;
        const text = data.toString();
        if (text === PING) ws.send(PONG);
        else if (lane?.[1] === undefined) this.#hear(ws, text);
        else this.#hearLane(ws, { job_id: lane[1], term: Number(lane[2]) }, text);
        this.poke();
      });
      ws.on("error", () => undefined);
      ws.on("close", () => this.poke());
      if (lane?.[1] !== undefined) {
        const job = this.job(lane[1]);
        job.lane = ws;
        job.lanes += 1;
      }
      this.poke();
    });
  }

  #hear(ws: WebSocket, text: string): void {
    const frame = parseFrame(ControlUp, text);
    if (frame.t === "prelude") return this.#prelude(ws, frame);
    this.control.push(frame);
    if (frame.t !== "hello") return;
    this.connection = ws;
    ws.send(JSON.stringify({ t: "welcome", session: this.control.length }));
  }

  #prelude(ws: WebSocket, { job_id, term, frames }: Extract<ControlUp, { t: "prelude" }>): void {
    if (this.losePreludes) return;
    const job = this.jobs.get(job_id);
    const answer = job?.term === term ? this.#answers(job, frames) : [];
    ws.send(JSON.stringify({ t: "prelude_answer", job_id, term, frames: answer }));
  }

  #hearLane(ws: WebSocket, { job_id, term }: { job_id: string; term: number }, text: string): void {
    const job = this.job(job_id);
    if (job.term !== term) return ws.close(4414, "stale");
    const message = parseFrame(LaneUpMessage, text);
    const answers = this.#answers(job, Array.isArray(message) ? message : [message]);
    if (answers.length > 0) ws.send(JSON.stringify(answers.length === 1 ? answers[0] : answers));
    if (answers.some(({ t }) => t === "end_ack")) ws.close(1000, "done");
  }

  /** What one message brings about is said as one message. */
  #answers(job: QueenJob, frames: readonly LaneUp[]): LaneDown[] {
    job.messages.push(frames.map(({ t }) => t));
    return frames.flatMap((frame) => this.#answer(job, frame));
  }

  #answer(job: QueenJob, frame: LaneUp): LaneDown[] {
    const { log } = job;
    const ready = (): LaneDown[] => [{ t: "ready", acked: log.acked }];
    switch (frame.t) {
      case "lane_hello":
        return ready();
      case "ev":
        if (this.loseFrames-- > 0) return [];
        if (log.offer(frame.first, frame.items).kind === "gap") return ready();
        return log.tailEvents >= limits.commit_events ? [commit(log)] : [];
      case "flush":
        return [commit(log)];
      case "end":
        if (log.last < frame.final) return ready();
        log.commit();
        job.outcome = frame.outcome;
        return [{ t: "end_ack" }];
    }
  }
}

function commit(log: EventLog): LaneDown {
  log.commit();
  return { t: "ack", acked: log.acked };
}
