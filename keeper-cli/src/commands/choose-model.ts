import { RbeeError } from "@rbee/sdk";
import { fail } from "../failure.ts";
import { clientOf } from "../common-flags.ts";
import type { AddressFlags } from "../queen-address.ts";

/**
 * The model asked for; with none, the only one that is loaded, or the only one there is. With every hive away what they had:
 * the job waits for them. @throws RbeeError the choices
 */
export async function chooseModel(flags: AddressFlags, asked: unknown): Promise<string> {
  if (typeof asked === "string") return asked;
  const { hives, workers } = await clientOf(flags).run("status", {}).catch(explainForbidden);
  const loaded = new Set(workers.filter(({ state }) => state === "ready").map(({ model }) => model));
  if (loaded.size === 1) return [...loaded].join();
  const connected = hives.filter((hive) => hive.connected);
  const there = (connected.length > 0 ? connected : hives).flatMap(({ models }) => models);
  const known = new Set([...loaded, ...there.filter(({ status }) => status === "ready").map(({ id }) => id)]);
  if (known.size === 1) return [...known].join();
  if (known.size === 0)
    throw fail("model_not_found", "no hive has a model", "`rbee status` shows the hives and what they have.");
  throw fail(
    "invalid_input",
    `there is more than one model: ${[...known].sort().join(", ")}`,
    "Say which with --model.",
  );
}

/** A key that may only infer cannot ask what there is. */
function explainForbidden(error: unknown): never {
  if (!(error instanceof RbeeError) || error.code !== "forbidden") throw error;
  throw fail("invalid_input", "no model was given, and this key may not list them", "Say which with --model.");
}
