import { exports } from "cloudflare:workers";
import {
  connectHeaders,
  connectMessage,
  LINK_VERSION,
  PONG,
  type ControlDown,
  type Enrolled,
  type HiveInfo,
  type Inventory,
  type LaneDown,
  type LaneUp,
  type Op,
  type Outcome,
} from "@rbee/contracts";
import { toBase64Url } from "../seal.ts";
import { aModel, anInventory, aWorker } from "./fleets.ts";
import { INFER, run, submit } from "./queen-client.ts";

/** A hive of the test's own hand: it says exactly what it is told to say, over the real routes. */

/** A socket whose messages are taken one by one. */
class Line<Down, Up> {
  readonly socket: WebSocket;
  readonly #inbox: Down[] = [];
  readonly #waiting: ((frame: Down) => void)[] = [];
  /** Code with which the queen closed it. */
  readonly closed: Promise<number>;

  constructor(socket: WebSocket) {
    this.socket = socket;
    this.closed = new Promise((resolve) => socket.addEventListener("close", ({ code }) => resolve(code)));
    socket.addEventListener("message", ({ data }) => {
      if (data === PONG) return;
      const frame = JSON.parse(String(data)) as Down;
      const taker = this.#waiting.shift();
      if (taker === undefined) this.#inbox.push(frame);
      else taker(frame);
    });
    socket.accept();
  }

  send(frame: Up): void {
    this.socket.send(JSON.stringify(frame));
  }

  sendText(text: string): void {
    this.socket.send(text);
  }

  async next(): Promise<Down> {
    return this.#inbox.shift() ?? (await new Promise((resolve) => this.#waiting.push(resolve)));
  }
}

export class Lane extends Line<LaneDown, LaneUp> {
  /** Ends the job, and waits until the queen has taken the end. */
  async end(final: number, outcome: Outcome): Promise<void> {
    this.send({ t: "end", final, outcome });
    for (let frame = await this.next(); frame.t !== "end_ack";) frame = await this.next();
  }
}

export class TestHive {
  readonly hive_id: string;
  readonly #credential: string;
  readonly #keys: CryptoKeyPair;
  #control: Line<ControlDown, unknown> | undefined;

  private constructor(hive_id: string, credential: string, keys: CryptoKeyPair) {
    this.hive_id = hive_id;
    this.#credential = credential;
    this.#keys = keys;
  }

  static async enrol(name: string, labels: readonly string[] = []): Promise<TestHive> {
    const { token } = await run<{ token: string }>({ operation: "hive_token_create", labels });
    const keys = (await crypto.subtle.generateKey("Ed25519", true, ["sign", "verify"])) as CryptoKeyPair;
    const raw = (await crypto.subtle.exportKey("raw", keys.publicKey)) as ArrayBuffer;
    const response = await exports.default.fetch("https://queen/v1/enroll", {
      method: "POST",
      body: JSON.stringify({ token, public_key: toBase64Url(new Uint8Array(raw)), hive_id: name }),
    });
    const enrolled: Enrolled = await response.json();
    return new TestHive(enrolled.hive_id, enrolled.credential, keys);
  }

  /** A hive that is here, with one model that no other has. */
  static async serving(name: string): Promise<{ hive: TestHive; model: string }> {
    const hive = await TestHive.enrol(name);
    const model = `bee-of-${name}`;
    const inventory = anInventory({ models: [aModel({ id: model, name: model })], workers: [aWorker({ model })] });
    await hive.connect({ inventory });
    return { hive, model };
  }

  /** Headers of one connect request. */
  async signed(): Promise<Record<string, string>> {
    const timestamp = Date.now();
    const nonce = crypto.randomUUID();
    const message = new TextEncoder().encode(connectMessage(timestamp, nonce));
    const signature = await crypto.subtle.sign("Ed25519", this.#keys.privateKey, message);
    return {
      [connectHeaders.credential]: this.#credential,
      [connectHeaders.timestamp]: String(timestamp),
      [connectHeaders.nonce]: nonce,
      [connectHeaders.signature]: toBase64Url(new Uint8Array(signature)),
    };
  }

  async dial(over: Record<string, string> = {}): Promise<Response> {
    const headers = { upgrade: "websocket", ...(await this.signed()), ...over };
    return exports.default.fetch("https://queen/v1/hives/connect", { headers });
  }

  async connect(
    options: { inventory?: Inventory; jobs?: { job_id: string; term: number }[]; version?: number } = {},
  ): Promise<void> {
    const { webSocket } = await this.dial();
    if (webSocket === null) throw new Error("not connected");
    this.#control = new Line(webSocket);
    this.#control.send({
      t: "hello",
      version: options.version ?? LINK_VERSION,
      instance_id: "instance-1",
      inventory: options.inventory ?? anInventory(),
      jobs: options.jobs ?? [],
    });
    const { t } = await this.#control.next();
    if (t !== "welcome") throw new Error(`expected welcome, got ${t}`);
  }

  get control(): Line<ControlDown, unknown> {
    if (this.#control === undefined) throw new Error("not connected");
    return this.#control;
  }

  async op(): Promise<Op> {
    const frame = await this.control.next();
    if (frame.t !== "op") throw new Error(`expected op, got ${frame.t}`);
    return frame;
  }

  dialLane(op: Op): Promise<Response> {
    return exports.default.fetch(`https://queen/v1/lanes/${op.job_id}?term=${op.term}`, {
      headers: { upgrade: "websocket", authorization: `Bearer ${op.lane_token}` },
    });
  }

  /** Opens the lane and says hello. @returns the lane and where the queen wants to go on from */
  async lane(op: Op, last = 0): Promise<{ lane: Lane; acked: number }> {
    const { webSocket, status } = await this.dialLane(op);
    if (webSocket === null) throw new Error(`no lane: ${status}`);
    const lane = new Lane(webSocket);
    lane.send({ t: "lane_hello", last });
    const ready = await lane.next();
    if (ready.t !== "ready") throw new Error(`expected ready, got ${ready.t}`);
    return { lane, acked: ready.acked };
  }

  /** Takes the next job up. */
  async take(): Promise<{ op: Op; lane: Lane; acked: number }> {
    const op = await this.op();
    return { op, ...(await this.lane(op)) };
  }

  /** Submits a job for this hive, which takes it up. */
  async start(body: Record<string, unknown> = INFER): Promise<{ id: string; op: Op; lane: Lane; acked: number }> {
    const id = await submit({ ...body, hive_id: this.hive_id });
    return { id, ...(await this.take()) };
  }

  /** Closes the control socket and waits until the queen knows. */
  async hangUp(): Promise<void> {
    this.#control?.socket.close(1000, "bye");
    for (;;) {
      const { hive } = await run<{ hive: HiveInfo }>({ operation: "hive_get", hive_id: this.hive_id });
      if (!hive.connected) return;
    }
  }
}
