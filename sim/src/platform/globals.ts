import crypto from "node:crypto";
import { syncBuiltinESMExports } from "node:module";
import { SimAbortController } from "./abort.ts";
import { ServerSocket, SimWebSocketPair } from "./socket.ts";
import { SimUrl } from "./url.ts";

/** What code outside of our hands asks the platform for. */
export interface Ambient {
  /** The queen's clock. */
  time(): number;
  random(): number;
  /** A line that was written for the operator. */
  said(line: string): void;
  /** Something asynchronous takes a moment. */
  later(run: () => void): void;
}

class SimRequest {
  readonly url: string;
  constructor(url: string) {
    this.url = url;
  }
}

class SimResponse {
  readonly status: number;
  readonly webSocket: { readonly server: ServerSocket } | null;
  constructor(_body: null, init: { status: number; webSocket?: { server: ServerSocket } }) {
    this.status = init.status;
    this.webSocket = init.webSocket ?? null;
  }
}

export type { SimRequest, SimResponse };
export const requestOf = (url: string): SimRequest => new SimRequest(url);

/** The platform's names, with as much behind them as the objects use. Signatures prove nothing here, and take a turn. */
const platformGlobals = () => ({
  Request: SimRequest,
  Response: SimResponse,
  URL: SimUrl,
  WebSocket: ServerSocket,
  WebSocketPair: SimWebSocketPair,
  WebSocketRequestResponsePair: Object,
  AbortController: SimAbortController,
  crypto: {
    subtle: {
      importKey: async () => ({}),
      sign: async () => {
        await new Promise<void>((resolve) => ambient.later(resolve));
        return new ArrayBuffer(8);
      },
    },
    getRandomValues: (bytes: Uint8Array) => bytes.map(() => Math.floor(ambient.random() * 256)),
  },
});

/** Runs worlds in which time, chance and the platform are the simulator's; everything is put back afterwards. */
export function onPlatform<T>(work: () => T): T {
  const names = platformGlobals();
  const saved = Object.keys(names).map((name) => [name, Object.getOwnPropertyDescriptor(globalThis, name)] as const);
  const { now } = Date;
  const { random } = Math;
  const { error } = console;
  const { randomUUID } = crypto;
  for (const [name, value] of Object.entries(names))
    Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
  Date.now = () => ambient.time();
  Math.random = () => ambient.random();
  console.error = (line: unknown) => ambient.said(String(line));
  crypto.randomUUID = () => "00000000-0000-4000-8000-000000000000";
  syncBuiltinESMExports();
  try {
    return work();
  } finally {
    Date.now = now;
    Math.random = random;
    console.error = error;
    crypto.randomUUID = randomUUID;
    syncBuiltinESMExports();
    for (const [name, descriptor] of saved) {
      if (descriptor === undefined) delete (globalThis as Record<string, unknown>)[name];
      else Object.defineProperty(globalThis, name, descriptor);
    }
  }
}

const nowhere: Ambient = { time: () => 0, random: () => 0, said: () => undefined, later: (run) => run() };
let ambient = nowhere;

/** Whose world runs from here on. */
export function enterWorld(world: Ambient | undefined): void {
  ambient = world ?? nowhere;
}
