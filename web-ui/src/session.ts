import { activities } from "./activity/activities.ts";
import { kept, Store } from "./store.ts";
import { THEME } from "./theme.ts";

/** Who is signed in: an API key, kept in this browser or only in this tab, as its owner chose. */
export interface Session {
  readonly key: string | undefined;
  /** Why the last session ended, in the queen's words. */
  readonly farewell?: unknown;
}

const NAME = "rbee.key";
const inTab = (): Storage => sessionStorage;

const keyInFragment = (): string | undefined => /^#key=(rb[a-z]_[\w.-]{1,256})$/.exec(location.hash)?.[1];

function begin(): Session {
  const given = keyInFragment();
  if (given !== undefined) {
    // `npm start` prints such a link. The key must not stay in the address, nor in the history.
    history.replaceState(null, "", location.pathname + location.search);
    kept.set(NAME, given);
  }
  return { key: given ?? kept.get(NAME, inTab) ?? kept.get(NAME) };
}

export const session = new Store<Session>(begin());

export function signIn(key: string, remember: boolean): void {
  kept.set(NAME, key, remember ? undefined : inTab);
  session.set({ key });
}

export function signOut(farewell?: unknown): void {
  activities.set([]);
  // What was said and done is not for whoever signs in next; how it looks is.
  kept.clear(THEME);
  session.set({ key: undefined, farewell });
}

/** Kept for this tab only? */
export const isOnlyInTab = (): boolean => kept.get(NAME) === undefined;
