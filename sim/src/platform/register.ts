import { registerHooks } from "node:module";

const contracts = (file: string): string => new URL(`../../../contracts/src/${file}`, import.meta.url).href;

const WORKERS = new URL("workers.ts", import.meta.url).href;
/** What says the same for less, and stands in the place of the real module, which it asks itself where it can. */
const instead: Readonly<Record<string, string>> = {
  [contracts("link/frame.ts")]: new URL("frames.ts", import.meta.url).href,
  [contracts("submission.ts")]: new URL("inputs.ts", import.meta.url).href,
  [new URL("../../../queen-edge/src/seal.ts", import.meta.url).href]: new URL("seal.ts", import.meta.url).href,
};

/** Lets the real Durable Objects be imported outside of their platform, and what is the same in every world be done once. */
export function registerPlatform(): void {
  registerHooks({
    resolve: (specifier, context, next) => {
      if (specifier === "cloudflare:workers") return { url: WORKERS, shortCircuit: true };
      const resolved = next(specifier, context);
      const url = instead[resolved.url];
      return url === undefined || context.parentURL === url ? resolved : { ...resolved, url };
    },
  });
}
