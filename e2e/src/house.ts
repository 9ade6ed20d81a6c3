import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { JobClient } from "@rbee/sdk";
import { Rbee, type Ended } from "../../keeper-cli/test/rbee-process.ts";
import { Line } from "./line.ts";
import { descendants, killAll, Program } from "./process.ts";

const path = (relative: string): string => fileURLToPath(new URL(`../../${relative}`, import.meta.url));
const QUEEN = path("queen-edge/src/embedded/main.ts");
const AGENT = path("hive-agent/src/main.ts");
export const BEE_TINY = path("models/bee-tiny/bee-tiny.f16.gguf");

/** How a hive is started, where that is not as usual. */
interface HiveOptions {
  /** The program; the agent unless given. */
  readonly script?: string;
  /** The way to the queen; the hive line unless given. */
  readonly port?: number;
  readonly env?: Readonly<Record<string, string>>;
  /** What it has said when it counts as started; `ready` unless given. */
  readonly until?: string;
}

/** A queen and its hives, as real processes over one temporary folder. What reaches the queen can be cut on the way. */
export class House {
  readonly home = mkdtempSync(join(tmpdir(), "rbee-e2e-"));
  readonly #hives = new Map<string, Program>();
  readonly #env: Readonly<Record<string, string>>;
  #queen: Program | undefined;
  #key = "";
  #port = 0;
  /** The hives' way to the queen. */
  #hiveLine: Line | undefined;
  /** The clients' way to the queen. */
  #clientLine: Line | undefined;

  private constructor(env: Readonly<Record<string, string>>) {
    this.#env = env;
  }

  /** @param env what queen and hives are told */
  static async open(env: Readonly<Record<string, string>> = {}): Promise<House> {
    const house = new House(env);
    await house.startQueen();
    house.#hiveLine = await Line.to(house.#port);
    house.#clientLine = await Line.to(house.#port);
    return house;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  get key(): string {
    return this.#key;
  }

  get hiveLine(): Line {
    return this.#hiveLine ?? missing();
  }

  get clientLine(): Line {
    return this.#clientLine ?? missing();
  }

  /** A client of its own connections, straight to the queen. */
  client(url: string = this.url): JobClient {
    return new JobClient({ url, key: this.#key });
  }

  async startQueen(): Promise<void> {
    this.#queen = new Program(QUEEN, ["--home", join(this.home, "queen"), "--port", String(this.#port)], this.#env);
    const { queen_url, api_key } = await this.#queen.said("ready");
    this.#port = Number(new URL(String(queen_url)).port);
    this.#key = String(api_key);
  }

  /** The keeper as a person on this machine types it. */
  rbee(args: readonly string[], env: Readonly<Record<string, string>> = {}): Rbee {
    return new Rbee(args, { RBEE_HOME: this.home, RBEE_URL: this.url, RBEE_API_KEY: this.#key, ...env });
  }

  /** Runs a command to its end. */
  async typed(...args: readonly string[]): Promise<Ended> {
    const run = this.rbee(args);
    run.child.stdin.end();
    return run.ended();
  }

  /** What the queen complained about since she was last started. */
  get queenStderr(): string {
    return (this.#queen ?? missing()).stderr;
  }

  /** As the power would: the process and the engine below it, at once. */
  async killQueen(): Promise<void> {
    const queen = this.#queen ?? missing();
    killAll(descendants(queen.pid));
    await queen.kill("SIGKILL");
  }

  /** Starts a hive, or starts it again. Ready when it is connected and has loaded what it was told to. */
  async startHive(
    name: string,
    args: readonly string[] = ["--model-file", BEE_TINY, "--preload", "bee-tiny"],
    { script = AGENT, port = this.hiveLine.port, env: more = {}, until = "ready" }: HiveOptions = {},
  ): Promise<Program> {
    const known = this.#hives.has(name);
    const join_token = known ? undefined : (await this.client().run("hive_token_create", { label: name })).token;
    // Nothing of the person who runs the tests: their models are not the test's.
    const env = {
      HOME: this.home,
      HF_HOME: join(this.home, "hf"),
      ...this.#env,
      ...(join_token === undefined ? {} : { RBEE_JOIN_TOKEN: join_token }),
      ...more,
    };
    const url = `http://127.0.0.1:${port}`;
    const where = ["--queen-url", url, "--home", this.homeOf(name), "--local-port", "0"];
    const hive = new Program(script, [...where, ...args], env);
    this.#hives.set(name, hive);
    await hive.said(until);
    return hive;
  }

  homeOf(hive: string): string {
    return join(this.home, hive);
  }

  /** The queen's process and the engine below it. */
  queenPids(): number[] {
    const { pid } = this.#queen ?? missing();
    return [pid, ...descendants(pid)];
  }

  hive(name: string): Program {
    return this.#hives.get(name) ?? missing();
  }

  async close(): Promise<void> {
    await Promise.all([...this.#hives.values()].map((hive) => hive.kill("SIGTERM")));
    await this.#queen?.kill("SIGTERM");
    this.#hiveLine?.close();
    this.#clientLine?.close();
    rmSync(this.home, { recursive: true, force: true });
  }
}

function missing(): never {
  throw new Error("not started");
}
