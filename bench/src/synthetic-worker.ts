import { setImmediate as turn, setTimeout as delay } from "node:timers/promises";
import { runWorker } from "../../hive-agent/src/worker/main.ts";
import type { Sink } from "../../hive-agent/src/worker/protocol.ts";
import { syntheticEngine } from "../../hive-agent/src/worker/testing-engine.ts";
import { now } from "./clock.ts";

/*
 * A worker process with an engine that computes nothing. The prompt says its rate: `every=20` is a token each 20 ms,
 * `every=0` as many as anyone takes. Each token's text begins with its number; a paced one goes on with `@` and the time
 * it was made, and with `size=2000` it is padded to so many characters.
 */

/** Tokens between two looks at the network when there is no pace. */
const SLICE = 256;

const engine = syntheticEngine(async ({ generation: { prompt = "", max_tokens } }, sink) => {
  const every = Number(/every=(\d+)/.exec(prompt)?.[1] ?? 0);
  const size = Number(/size=(\d+)/.exec(prompt)?.[1] ?? 0);
  await (every === 0 ? pour(max_tokens, sink) : drip({ tokens: max_tokens, every, size }, sink));
});

async function pour(tokens: number, sink: Sink): Promise<void> {
  for (let n = 1; n <= tokens; n++) {
    sink.emit(`${n} `);
    if (n % SLICE !== 0) continue;
    await turn();
    sink.signal.throwIfAborted();
  }
}

interface Drip {
  readonly tokens: number;
  readonly every: number;
  readonly size: number;
}

async function drip({ tokens, every, size }: Drip, sink: Sink): Promise<void> {
  const start = performance.now();
  for (let n = 1; n <= tokens; n++) {
    // Against the start and not the last token, so that late timers do not lower the rate.
    const wait = start + (n - 1) * every - performance.now();
    if (wait > 0) await delay(wait);
    sink.signal.throwIfAborted();
    sink.emit(`${n}@${now().toFixed(3)} `.padEnd(size));
  }
}

await runWorker(async () => engine);
