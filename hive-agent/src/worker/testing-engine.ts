import type { Engine, GenerationWork, Sink } from "./protocol.ts";

/** An engine that computes nothing, for what is not about engines: `say` emits max_tokens tokens, at its own pace. */
export function syntheticEngine(say: (work: GenerationWork, sink: Sink) => Promise<void>): Engine {
  let busy = 0;
  return {
    slotsBusy: () => busy,
    async generate(work, sink) {
      const { max_tokens } = work.generation;
      const start = performance.now();
      busy += 1;
      try {
        await say(work, sink);
      } finally {
        busy -= 1;
      }
      const generation_ms = performance.now() - start;
      const usage = { prompt_tokens: 1, cached_tokens: 0, completion_tokens: max_tokens, total_tokens: max_tokens + 1 };
      const timings = { wait_ms: 0, prompt_ms: 0, generation_ms, tokens_per_s: (1000 * max_tokens) / generation_ms };
      return { finish_reason: "length", usage, timings };
    },
  };
}
