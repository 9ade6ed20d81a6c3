import { operationNames, operationOf, RbeeError, type HandlerEvent, type Inventory } from "@rbee/contracts";
import type { HiveContext, HiveHandlers } from "../../jobs/handler.ts";

type Model = { id: string; name: string; size_bytes: number; status: "ready"; loaded: boolean };
type Play = (context: HiveContext) => AsyncGenerator<HandlerEvent, { models: Model[] }, void>;

/** Handlers of which only one does anything: `model_list` plays what the test wants. */
export function playing(play: Play): HiveHandlers {
  // oxlint-disable-next-line require-yield
  const none = async function* (): AsyncGenerator<never, never, void> {
    throw new RbeeError("unsupported");
  };
  const rows = Object.fromEntries(hivesOwn.map((name) => [name, none])) as unknown as HiveHandlers;
  return { ...rows, model_list: (_input, context) => play(context) as ReturnType<HiveHandlers["model_list"]> };
}

const hivesOwn = operationNames.filter((name) => operationOf(name).executor !== "queen");

export const inventory: Inventory = {
  version: "0.1.0",
  platform: "test",
  devices: [],
  models: [],
  workers: [],
  slots_default: 4,
};

export const token = (text: string): HandlerEvent => ({ type: "token", text });

/** Resolves when the job is cancelled or dropped. */
export const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
