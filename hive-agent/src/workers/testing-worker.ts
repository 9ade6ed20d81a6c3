import { setTimeout as delay } from "node:timers/promises";
import { runWorker } from "../worker/main.ts";

/** A worker without an engine, for what is not about engines: it counts to max_tokens, about one token a millisecond. */
await runWorker(async () => {
  let busy = 0;
  return {
    slotsBusy: () => busy,
    async generate({ generation: { max_tokens }, resume = [] }, sink) {
      busy += 1;
      try {
        for (let n = resume.length + 1; n <= max_tokens; n += 1) {
          await delay(1);
          await sink.room;
          sink.signal.throwIfAborted();
          sink.emit(`${n} `);
        }
      } finally {
        busy -= 1;
      }
      const usage = { prompt_tokens: 1, cached_tokens: 0, completion_tokens: max_tokens, total_tokens: max_tokens + 1 };
      return {
        finish_reason: "length",
        usage,
        timings: { wait_ms: 0, prompt_ms: 0, generation_ms: 0, tokens_per_s: 0 },
      };
    },
  };
});
