import { setTimeout as delay } from "node:timers/promises";
import { runWorker } from "../../../hive-agent/src/worker/main.ts";
import { syntheticEngine } from "../../../hive-agent/src/worker/testing-engine.ts";
import { parsePrompt, token } from "./text.ts";

/*
 * A worker process whose engine computes nothing but `text.ts`, at the pace its prompt asks for. A model called
 * `…-loads-12s` takes so long to load.
 */

const engine = syntheticEngine(async ({ generation: { prompt = "", max_tokens }, resume = [] }, sink) => {
  const { seed, every } = parsePrompt(prompt);
  const start = performance.now();
  for (let n = resume.length + 1; n <= max_tokens; n++) {
    // Against the start and not the last token: a process that was stopped for a while catches up.
    await delay(Math.max(0, start + (n - resume.length) * every - performance.now()));
    sink.signal.throwIfAborted();
    sink.emit(token(seed, n));
  }
});

await runWorker(async ({ model }, hooks) => {
  const seconds = Number(/-loads-(\d+)s/.exec(model)?.[1] ?? 0);
  for (let second = 0; second < seconds; second++) {
    hooks.onProgress(second / seconds);
    await delay(1_000);
  }
  return engine;
});
