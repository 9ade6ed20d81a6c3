import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { JobClient } from "@rbee/sdk";
import { fail } from "../failure.ts";
import { LogFile } from "./log-file.ts";
import { Supervised, type ChildSpec } from "./supervised.ts";

export interface ReadyQueen {
  readonly url: string;
  readonly key: string;
}

export interface Household {
  readonly home: string;
  readonly onDeath: (name: string, how: string, delayMs: number) => void;
  /** A child that had died is well again. */
  readonly onReturn: (name: string) => void;
}

export const HIVE_ID = "localhost";
/** Seconds: Ctrl-C is to be quick, and a child that takes longer is killed. */
const DRAIN_S = "5";
/** A cold disk and a busy machine; usually a second. */
const ready_wait_ms = 60_000;

const entryOf = (name: string): string => fileURLToPath(import.meta.resolve(name));

/** A child, and the promise of its first good sign. */
export interface Started<T> {
  readonly child: Supervised;
  readonly ready: Promise<T>;
}

/** The embedded queen. Its port stays the same over restarts, so that hives and programs find it again. */
export function startQueen(household: Household, port: number): Started<ReadyQueen> {
  const { home } = household;
  let boundPort = port;
  return startChild<ReadyQueen>("queen", household, (ready) => ({
    entry: entryOf("@rbee/queen-edge/embedded"),
    args: () => ["--home", join(home, "queen"), "--port", String(boundPort)],
    env: async () => ({}),
    onEvent: ({ event, queen_url, api_key }) => {
      if (event !== "ready" || typeof queen_url !== "string" || typeof api_key !== "string") return;
      boundPort = Number(new URL(queen_url).port);
      ready({ url: queen_url, key: api_key });
    },
  }));
}

export interface HiveOptions {
  /** A file that is a model whatever folder it is in. */
  readonly modelFile: string | undefined;
  /** Of its local server; the usual one if not given. */
  readonly localPort: number | undefined;
}

/** The agent of this machine, enrolled as `localhost`. Ready when the queen has welcomed it. */
export function startHive(household: Household, queen: ReadyQueen, own: HiveOptions): Started<void> {
  const { modelFile, localPort } = own;
  const port = localPort === undefined ? [] : ["--local-port", String(localPort)];
  const model = modelFile === undefined ? [] : ["--model-file", modelFile];
  const hiveHome = join(household.home, "hive");
  let refused = false;
  return startChild<void>("hive", household, (ready) => ({
    entry: entryOf("@rbee/hive-agent/main"),
    args: () => [
      "--queen-url",
      queen.url,
      "--home",
      hiveHome,
      "--hive-id",
      HIVE_ID,
      "--drain",
      DRAIN_S,
      ...model,
      ...port,
    ],
    env: async () => {
      // A queen whose state was removed does not know the hive that it once enrolled.
      if (!refused && existsSync(join(hiveHome, "credential.json"))) return {};
      refused = false;
      const { token } = await new JobClient(queen).run("hive_token_create", { label: HIVE_ID });
      return { RBEE_JOIN_TOKEN: token };
    },
    onEvent: ({ event, code }) => {
      if (event === "connected") ready();
      if (code === "unauthorized") refused = true;
    },
  }));
}

type Rest<T> = (ready: (value: T) => void) => Omit<ChildSpec, "log" | "onDeath">;

function startChild<T>(name: string, { home, onDeath, onReturn }: Household, specOf: Rest<T>): Started<T> {
  const log = new LogFile(join(home, `${name}.log`));
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  // An interrupted start does not wait for it.
  const timer = setTimeout(() => reject(notStarted(name, "it is not ready", log)), ready_wait_ms).unref();
  let deaths = 0;
  let away = false;
  const onReady = (value: T): void => {
    if (away) onReturn(name);
    away = false;
    resolve(value);
  };
  const child = new Supervised({
    ...specOf(onReady),
    log,
    onDeath: (how, delayMs) => {
      deaths++;
      away = true;
      onDeath(name, how, delayMs);
      if (deaths > DEATHS_BEFORE_READY_MAX) reject(notStarted(name, how, log));
    },
  });
  child.start().catch(reject);
  return { child, ready: promise.finally(() => clearTimeout(timer)) };
}

/** One is for a credential that the queen no longer knows. */
const DEATHS_BEFORE_READY_MAX = 2;

const notStarted = (name: string, how: string, log: LogFile): Error =>
  fail(
    "internal",
    `the ${name} does not start: ${how}${log.tail === "" ? "" : `\n${log.tail}`}`,
    `Its log is ${log.path}.`,
  );
