import { setTimeout as delay } from "node:timers/promises";
import { runWorker } from "../worker/main.ts";
import { syntheticEngine } from "../worker/testing-engine.ts";

/** A worker that counts to max_tokens, about one token a millisecond. */
const engine = syntheticEngine(async ({ generation: { max_tokens }, resume = [] }, sink) => {
  for (let n = resume.length + 1; n <= max_tokens; n += 1) {
    await delay(1);
    await sink.room;
    sink.signal.throwIfAborted();
    sink.emit(`${n} `);
  }
});
await runWorker(async () => engine);
