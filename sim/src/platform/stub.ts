import type { Actor } from "./actor.ts";
import type { Platform } from "./platform.ts";

/** What one object calls another through. */
export type StubOf = new (platform: Platform, caller: Actor, target: Actor) => object;

interface Ends {
  readonly platform: Platform;
  readonly caller: Actor;
  readonly target: Actor;
}

/** Every method of an object's class, as a call on its way. */
export function stubOf({ prototype }: { readonly prototype: object }): StubOf {
  class Stub implements Ends {
    readonly platform: Platform;
    readonly caller: Actor;
    readonly target: Actor;

    constructor(platform: Platform, caller: Actor, target: Actor) {
      this.platform = platform;
      this.caller = caller;
      this.target = target;
    }
  }
  for (const method of Object.getOwnPropertyNames(prototype).filter((name) => name !== "constructor"))
    Object.defineProperty(Stub.prototype, method, {
      value(this: Ends, ...args: unknown[]): Promise<unknown> {
        return this.platform.call(this.caller, this.target, { method, args });
      },
    });
  return Stub;
}
