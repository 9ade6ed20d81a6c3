import { generateKeyPairSync, randomBytes, sign, type KeyObject } from "node:crypto";
import { once } from "node:events";
import {
  connectHeaders,
  connectMessage,
  LINK_SUBPROTOCOL,
  LINK_VERSION,
  PING,
  PONG,
  type Inventory,
  type Op,
} from "@rbee/contracts";
import { WebSocket } from "ws";
import type { House } from "../house.ts";
import type { WireFrame } from "./arbitraries.ts";

/** Nothing of this takes longer, even on a busy machine; what does, hangs. */
export const HANG_MS = 20_000;

const FUZZ_MODEL = "fuzz";

const inventory: Inventory = {
  version: "0.1.0",
  platform: "fuzz",
  devices: [],
  models: [{ id: FUZZ_MODEL, name: FUZZ_MODEL, size_bytes: 1, status: "ready", loaded: true }],
  workers: [],
  slots_default: 64,
};

/** What became of frames that were thrown at a socket. */
export type Fate = { readonly alive: true } | { readonly alive: false; readonly code: number };

/** A hive that says whatever it is told to, over real sockets. */
export class RawHive {
  readonly hive_id: string;
  readonly #house: House;
  readonly #credential: string;
  readonly #key: KeyObject;

  private constructor(house: House, hive_id: string, { credential, key }: { credential: string; key: KeyObject }) {
    this.hive_id = hive_id;
    this.#house = house;
    this.#credential = credential;
    this.#key = key;
  }

  static async enrol(house: House, hive_id: string): Promise<RawHive> {
    const { token } = await house.client().run("hive_token_create", { label: hive_id });
    const { privateKey } = generateKeyPairSync("ed25519");
    const body = JSON.stringify({ token, public_key: privateKey.export({ format: "jwk" }).x, hive_id });
    const response = await fetch(`${house.url}/v1/enroll`, { method: "POST", body });
    const { credential } = (await response.json()) as { credential: string };
    return new RawHive(house, hive_id, { credential, key: privateKey });
  }

  /** Dials the control socket; nothing is said yet. */
  async control(): Promise<WebSocket> {
    const timestamp = Date.now();
    const nonce = randomBytes(16).toString("base64url");
    const signature = sign(null, Buffer.from(connectMessage(timestamp, nonce)), this.#key).toString("base64url");
    return dial(`${this.#house.url}/v1/hives/connect`, [LINK_SUBPROTOCOL], {
      [connectHeaders.credential]: this.#credential,
      [connectHeaders.timestamp]: String(timestamp),
      [connectHeaders.nonce]: nonce,
      [connectHeaders.signature]: signature,
    });
  }

  /** Dials, and is welcomed. */
  async welcomed(): Promise<WebSocket> {
    const socket = await this.control();
    const hello = { t: "hello", version: LINK_VERSION, instance_id: "instance-fuzz", inventory, jobs: [] };
    socket.send(JSON.stringify(hello));
    await heard(socket, '"welcome"');
    return socket;
  }

  /** A job that this hive was given: its operation, with which lanes can be dialled. */
  async job(): Promise<Op> {
    const control = await this.welcomed();
    const given = heard(control, '"op"');
    const { hive_id } = this;
    await this.#house.client().submit("infer", { model: FUZZ_MODEL, prompt: "fuzz", hive_id });
    const op = JSON.parse(await given) as Op;
    control.terminate();
    return op;
  }

  /** @returns undefined when the queen wants no lane of that job any more */
  async lane({ job_id, term, lane_token }: Op): Promise<WebSocket | undefined> {
    const headers = { authorization: `Bearer ${lane_token}` };
    try {
      return await dial(`${this.#house.url}/v1/lanes/${job_id}?term=${term}`, [], headers);
    } catch (error) {
      if (/\b(404|410)\b/.test(String(error))) return undefined;
      throw error;
    }
  }
}

async function dial(url: string, protocols: string[], headers: Record<string, string>): Promise<WebSocket> {
  const options = { headers, perMessageDeflate: false, handshakeTimeout: HANG_MS };
  const socket = new WebSocket(url.replace("http", "ws"), protocols, options);
  await once(socket, "open");
  socket.on("error", () => undefined);
  return socket;
}

/** The next message that holds this. */
async function heard(socket: WebSocket, part: string): Promise<string> {
  return new Promise((resolve, reject) => {
    socket.on("message", (data: Buffer) => {
      if (data.toString().includes(part)) resolve(data.toString());
    });
    socket.once("close", (code) => reject(new Error(`closed with ${code} instead of saying ${part}`)));
  });
}

/** Throws frames at a socket, back to back, and waits until it answers a ping or is closed. */
export async function throwAt(socket: WebSocket, frames: readonly WireFrame[]): Promise<Fate> {
  const fate = Promise.withResolvers<Fate>();
  const timer = setTimeout(() => fate.reject(new Error("the socket hangs")), HANG_MS);
  const onMessage = (data: Buffer): void => {
    if (data.toString() === PONG) fate.resolve({ alive: true });
  };
  const onClose = (code: number): void => fate.resolve({ alive: false, code });
  socket.on("message", onMessage);
  socket.on("close", onClose);
  try {
    for (const { bytes, binary } of frames) socket.send(bytes, { binary });
    if (socket.readyState === WebSocket.OPEN) socket.send(PING);
    return await fate.promise;
  } finally {
    clearTimeout(timer);
    socket.off("message", onMessage);
    socket.off("close", onClose);
  }
}
