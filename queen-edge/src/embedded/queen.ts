import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { Log, LogLevel, Miniflare } from "miniflare";

export interface Secrets {
  readonly secret: string;
  readonly api_key: string;
}

export interface QueenOptions {
  /** Where Durable Objects keep their storage. */
  readonly stateDir: string;
  /** 0 = any free one. */
  readonly port: number;
  readonly secrets: Secrets;
  /** Where the built interface is, or will be. */
  readonly uiFolder: string;
  /** Where models are searched, if not on huggingface.co. */
  readonly hub_url?: string | undefined;
}

export interface RunningQueen {
  readonly url: string;
  readonly port: number;
  stop(): Promise<void>;
}

const HOST = "127.0.0.1";
const NAME = "rbee-queen";
/** The same Worker that deploys: keep in step with wrangler.toml. */
const COMPATIBILITY_DATE = "2026-10-15";
const COMPATIBILITY_FLAGS = ["enable_request_signal"];

/** Runs the very Worker that deploys, on this machine. */
export async function startQueen({
  stateDir,
  port: asked,
  secrets,
  uiFolder,
  hub_url,
}: QueenOptions): Promise<RunningQueen> {
  const port = asked === 0 ? await freePort() : asked;
  const miniflare = new Miniflare({
    resourcePersistencePath: stateDir,
    telemetry: { enabled: false },
    log: new Log(LogLevel.NONE),
    logRequests: false,
    handleStructuredLogs: ({ level, message }) => {
      if (level === "error" || level === "warn") process.stderr.write(`${message}\n`);
    },
    workers: [
      {
        config: {
          name: NAME,
          compatibilityDate: COMPATIBILITY_DATE,
          compatibilityFlags: COMPATIBILITY_FLAGS,
          manifest: { mainModule: "worker.js", modules: { "worker.js": { type: "esm", contents: await bundle() } } },
          exports: {
            JobObject: { type: "durable-object", storage: "sqlite" },
            HiveObject: { type: "durable-object", storage: "sqlite" },
            RegistryObject: { type: "durable-object", storage: "sqlite" },
          },
          env: {
            JOB: { type: "durable-object", worker: NAME, exportName: "JobObject" },
            HIVE: { type: "durable-object", worker: NAME, exportName: "HiveObject" },
            REGISTRY: { type: "durable-object", worker: NAME, exportName: "RegistryObject" },
            ASSETS: { type: "disk", path: uiFolder, writable: false },
            RBEE_SECRET: { type: "text", value: secrets.secret },
            RBEE_API_KEY: { type: "text", value: secrets.api_key },
            ...(hub_url === undefined ? {} : { HF_ENDPOINT: { type: "text", value: hub_url } }),
          },
        },
        // Straight into the Worker: the development proxy in between would cost a third of the speed.
        dev: { unsafeDirectSockets: [{ host: HOST, port }] },
      },
    ],
  });
  await miniflare.ready;
  return { url: `http://${HOST}:${port}`, port, stop: () => miniflare.dispose() };
}

async function bundle(): Promise<string> {
  const built = await build({
    entryPoints: [join(fileURLToPath(new URL("..", import.meta.url)), "worker.ts")],
    bundle: true,
    write: false,
    format: "esm",
    target: "es2024",
    conditions: ["workerd", "worker", "browser"],
    external: ["cloudflare:*"],
    logLevel: "error",
  });
  return built.outputFiles[0]?.text ?? "";
}

/** Held only for the moment between asking and listening; a stranger may take it, then starting fails and says so. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, HOST);
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
