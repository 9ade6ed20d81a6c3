/** What the hooks are made of, for the interface of this project. Nothing of it is promised to others. */
export { idle, isOpen, progressAfter } from "./job-progress.ts";
export { retryOnce } from "./provider.ts";
