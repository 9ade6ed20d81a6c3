import { Window } from "happy-dom";

/** Just enough of a page for React; requests stay Node's own. To be imported before React is. */
const page = new Window({ url: "http://localhost/" });
Object.assign(globalThis, {
  window: page,
  document: page.document,
  HTMLElement: page.HTMLElement,
  sessionStorage: page.sessionStorage,
});
