import { RbeeError } from "@rbee/contracts";
import type { HiveHandlers } from "../../jobs/handler.ts";
import { aborted, playing, token } from "./handlers.ts";

/** Lets handlers run as far as they can. */
export const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A handler that says what it is given, until it is given nothing more. */
export function feed(): { handlers: HiveHandlers; give: (text?: string) => Promise<void> } {
  const waiting: ((text: string | undefined) => void)[] = [];
  const handlers = playing(async function* ({ signal }) {
    for (;;) {
      const text = await Promise.race([
        new Promise<string | undefined>((resolve) => waiting.push(resolve)),
        aborted(signal).then(() => {
          throw new RbeeError("cancelled");
        }),
      ]);
      if (text === undefined) return { models: [] };
      yield token(text);
    }
  });
  const give = async (text?: string): Promise<void> => {
    await settle();
    waiting.shift()?.(text);
    await settle();
  };
  return { handlers, give };
}

/** A handler that runs until it is stopped. */
export const waits: HiveHandlers = playing(async function* ({ signal }) {
  await aborted(signal);
  return { models: [] };
});
