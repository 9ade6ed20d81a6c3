/** What the interface of this project needs besides the hooks. Nothing of it is promised to others. */
export { bytesInWords } from "@rbee/contracts";
export { limits } from "@rbee/contracts/limits";
export { idle, isOpen, progressAfter } from "./job-progress.ts";
export { retryOnce } from "./provider.ts";
