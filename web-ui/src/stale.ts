import { kept } from "./store.ts";

const NAME = "rbee.reloaded";
const ANSWER_MS_MAX = 5_000;
const inTab = (): Storage => sessionStorage;

/** After an upgrade the files of pages have other names. A tab from before asks for the old ones; loaded anew it knows the new ones. */
export const reloadWhenStale = (): void => window.addEventListener("vite:preloadError", () => void reloadOnce());

/** Once for each build: what is missing even then is not there, and the page says so. */
async function reloadOnce(): Promise<void> {
  const build = import.meta.url;
  if (kept.get(NAME, inTab) === build) return;
  // Where nobody answers, the browser would show a page of its own instead of this one.
  const answers = await fetch("/", { method: "HEAD", signal: AbortSignal.timeout(ANSWER_MS_MAX) }).then(
    ({ ok }) => ok,
    () => false,
  );
  if (!answers) return;
  kept.set(NAME, build, inTab);
  // What cannot be remembered could be done for ever.
  if (kept.get(NAME, inTab) === build) location.reload();
}
