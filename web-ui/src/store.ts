import { useSyncExternalStore } from "react";

/** A value outside of components that components can watch. */
export class Store<T> {
  #value: T;
  readonly #watchers = new Set<() => void>();

  constructor(value: T) {
    this.#value = value;
  }

  get = (): T => this.#value;

  set(value: T): void {
    if (Object.is(value, this.#value)) return;
    this.#value = value;
    for (const watcher of this.#watchers) watcher();
  }

  update(change: (value: T) => T): void {
    this.set(change(this.#value));
  }

  watch = (watcher: () => void): (() => void) => {
    this.#watchers.add(watcher);
    return () => void this.#watchers.delete(watcher);
  };
}

export const useStore = <T>(store: Store<T>): T => useSyncExternalStore(store.watch, store.get);

/** A browser may refuse storage; then nothing is kept, and nothing breaks. */
export const kept = {
  get(name: string, storage: () => Storage = () => localStorage): string | undefined {
    try {
      return storage().getItem(name) ?? undefined;
    } catch {
      return undefined;
    }
  },
  set(name: string, value: string | undefined, storage: () => Storage = () => localStorage): void {
    try {
      if (value === undefined) storage().removeItem(name);
      else storage().setItem(name, value);
    } catch {
      // Not kept.
    }
  },
  /** Everything of this interface, in this browser and in this tab, but one. */
  clear(but: string): void {
    for (const storage of [() => localStorage, () => sessionStorage])
      try {
        const names = Object.keys(storage()).filter((name) => name.startsWith("rbee.") && name !== but);
        for (const name of names) storage().removeItem(name);
      } catch {
        // Nothing was kept.
      }
  },
};
