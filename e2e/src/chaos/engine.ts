import { setTimeout as delay } from "node:timers/promises";
import { runWorker } from "../../../hive-agent/src/worker/main.ts";
import { parsePrompt, token } from "./text.ts";

/*
 * A worker process whose engine computes nothing but `text.ts`, at the pace its prompt asks for. A model called
 * `…-loads-12s` takes so long to load.
 */

let busy = 0;

await runWorker(async ({ model }, hooks) => {
  const seconds = Number(/-loads-(\d+)s/.exec(model)?.[1] ?? 0);
  for (let second = 0; second < seconds; second++) {
    hooks.onProgress(second / seconds);
    await delay(1_000);
  }
  return {
    slotsBusy: () => busy,
    async generate({ generation: { prompt = "", max_tokens }, resume = [] }, sink) {
      const { seed, every } = parsePrompt(prompt);
      const start = performance.now();
      busy += 1;
      try {
        for (let n = resume.length + 1; n <= max_tokens; n++) {
          // Against the start and not the last token: a process that was stopped for a while catches up.
          await delay(Math.max(0, start + (n - resume.length) * every - performance.now()));
          sink.signal.throwIfAborted();
          sink.emit(token(seed, n));
        }
      } finally {
        busy -= 1;
      }
      const usage = { prompt_tokens: 1, cached_tokens: 0, completion_tokens: max_tokens, total_tokens: max_tokens + 1 };
      const timings = { wait_ms: 0, prompt_ms: 0, generation_ms: performance.now() - start, tokens_per_s: 0 };
      return { finish_reason: "length", usage, timings };
    },
  };
});
