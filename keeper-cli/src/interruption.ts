import { EXIT_INTERRUPTED } from "./failure.ts";

/** npm passes Ctrl-C on to a process that the terminal has told already: within this time it is one key press. */
const same_press_ms = 500;

export interface Interruption {
  /** Aborts at the first Ctrl-C (or when whoever read our output has left). */
  readonly signal: AbortSignal;
  /** Hands Ctrl-C back. */
  readonly end: () => void;
}

/** Takes Ctrl-C over: the first one stops things tidily, a second one leaves at once. */
export function interruption(): Interruption {
  const controller = new AbortController();
  let firstAt = 0;
  const onSignal = (): void => {
    const now = Date.now();
    if (firstAt === 0) {
      firstAt = now;
      controller.abort(new Error("interrupted"));
    } else if (now - firstAt > same_press_ms) {
      process.exit(EXIT_INTERRUPTED);
    }
  };
  const onOutputGone = (): void => controller.abort(new Error("nobody reads the output"));
  process.on("SIGINT", onSignal).on("SIGTERM", onSignal).on("SIGHUP", onSignal);
  process.stdout.on("error", onOutputGone);
  return {
    signal: controller.signal,
    end: () => {
      process.off("SIGINT", onSignal).off("SIGTERM", onSignal).off("SIGHUP", onSignal);
      process.stdout.off("error", onOutputGone);
    },
  };
}
