import { registerHooks } from "node:module";

const WORKERS = new URL("workers.ts", import.meta.url).href;

/** Lets the real Durable Objects be imported outside of their platform. */
export function registerPlatform(): void {
  registerHooks({
    resolve: (specifier, context, next) =>
      specifier === "cloudflare:workers" ? { url: WORKERS, shortCircuit: true } : next(specifier, context),
  });
}
