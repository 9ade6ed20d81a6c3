import { limits } from "@rbee/contracts";
import type { Grant } from "../queen/keys.ts";

/**
 * What this Worker was told of keys within the last second, also of those that are good for nothing: a program that asks
 * and asks makes one question to the registry a second. [KEY-3]
 */
export class KnownGrants {
  readonly #known = new Map<string, { readonly grant: Grant | undefined; readonly at: number }>();

  /** @param ask the registry, for a key of which nothing is known or not anymore */
  async of(hash: string, now: number, ask: () => Promise<Grant | undefined>): Promise<Grant | undefined> {
    const known = this.#known.get(hash);
    if (known !== undefined && Math.abs(now - known.at) < limits.key_known_ms) return known.grant;
    const grant = await ask();
    this.#known.delete(hash);
    this.#known.set(hash, { grant, at: now });
    // In order of asking: the first is the oldest.
    if (this.#known.size > limits.keys_known_max) this.#known.delete(this.#known.keys().next().value ?? "");
    return grant;
  }
}
