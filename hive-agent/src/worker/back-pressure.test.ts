import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { Generation, limits } from "@rbee/contracts";
import { afterEach, expect, test } from "vitest";
import { WorkerClient } from "../workers/client.ts";
import { StartOptions, type Engine } from "./protocol.ts";
import { createWorkerServer, type WorkerState } from "./server.ts";

const TOKEN = "t".repeat(32);
const FRAMES = 3 * limits.worker_ahead_frames_max;

/** An engine that is as fast as it is let, and says when it is not. */
class Engineered implements Engine {
  made = 0;
  held = Promise.withResolvers<void>();

  slotsBusy(): number {
    return 1;
  }

  async generate(_work: unknown, sink: Parameters<Engine["generate"]>[1]): ReturnType<Engine["generate"]> {
    for (let n = 1; n <= FRAMES; n++) {
      sink.emit(`${n} `);
      this.made = n;
      if (sink.room !== undefined) this.held.resolve();
      await sink.room;
      sink.signal.throwIfAborted();
      if (n % 256 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    const usage = { prompt_tokens: 1, cached_tokens: 0, completion_tokens: FRAMES, total_tokens: FRAMES + 1 };
    return {
      finish_reason: "length",
      usage,
      timings: { wait_ms: 0, prompt_ms: 0, generation_ms: 0, tokens_per_s: 0 },
    };
  }
}

let close: () => void;
afterEach(() => close());

/** A worker's own server on a real port, and an agent's client. */
async function worker(): Promise<{ engine: Engineered; client: WorkerClient }> {
  const engine = new Engineered();
  const options = { worker_id: "worker-x-9100", model: "m", engine: { kind: "synthetic" }, slots: 1, context: 64 };
  const state: WorkerState = {
    options: StartOptions.parse({ ...options, threads: 1, port: 1, token: TOKEN }),
    progress: 1,
    engine,
  };
  const { http } = createWorkerServer(state);
  http.listen(0, "127.0.0.1");
  await once(http, "listening");
  const { port } = http.address() as AddressInfo;
  state.options.port = port;
  const client = new WorkerClient(port, TOKEN);
  close = () => {
    client.close();
    http.closeAllConnections();
    http.close();
  };
  return { engine, client };
}

const generation = Generation.parse({ prompt: "Hello" });

test("an engine waits for an agent that stops reading, and goes on with it; nothing is missing", async () => {
  const { engine, client } = await worker();
  const frames = client.frames({ id: "job_a.1", generation }, new AbortController().signal);
  const first = await frames.next();
  await engine.held.promise;
  expect(engine.made).toBe(limits.worker_ahead_frames_max);
  const texts = [first.value];
  for (let next = await frames.next(); next.done !== true; next = await frames.next()) texts.push(next.value);
  expect(texts).toEqual(Array.from({ length: FRAMES }, (_, n) => `${n + 1} `));
});

test("a held engine hears a cancel", async () => {
  const { engine, client } = await worker();
  const frames = client.frames({ id: "job_a.1", generation }, new AbortController().signal);
  await frames.next();
  await engine.held.promise;
  await client.remove("job_a.1");
  const { made } = engine;
  // Whatever else it made it makes before the next request is answered.
  await client.health();
  expect(engine.made).toBe(made);
});

test("an engine that nobody reads any more goes on: whoever takes it up finds everything", async () => {
  const { engine, client } = await worker();
  const frames = client.frames({ id: "job_a.1", generation }, new AbortController().signal);
  await frames.next();
  await engine.held.promise;
  await frames.return(undefined as never);
  const again = client.frames({ id: "job_a.1" }, new AbortController().signal);
  let count = 0;
  for (let next = await again.next(); next.done !== true; next = await again.next()) count += 1;
  expect(count).toBe(FRAMES);
});
