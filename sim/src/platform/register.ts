import { registerHooks } from "node:module";

const WORKERS = new URL("workers.ts", import.meta.url).href;
const FRAMES = new URL("frames.ts", import.meta.url).href;
const REAL_FRAMES = new URL("../../../contracts/src/link/frame.ts", import.meta.url).href;

/** Lets the real Durable Objects be imported outside of their platform, and their frames be parsed once for all worlds. */
export function registerPlatform(): void {
  registerHooks({
    resolve: (specifier, context, next) => {
      if (specifier === "cloudflare:workers") return { url: WORKERS, shortCircuit: true };
      const resolved = next(specifier, context);
      return resolved.url === REAL_FRAMES && context.parentURL !== FRAMES ? { ...resolved, url: FRAMES } : resolved;
    },
  });
}
