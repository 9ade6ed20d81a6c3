import { existsSync } from "node:fs";
import { chromium, type Browser } from "playwright-core";

/** Debian's Chromium, or the one that RBEE_CHROMIUM names. */
const program = [process.env["RBEE_CHROMIUM"], "/usr/bin/chromium", "/usr/bin/chromium-browser"].find(
  (path) => path !== undefined && existsSync(path),
);

export const hasBrowser = program !== undefined;
if (!hasBrowser)
  console.warn(
    "skipped: no Chromium here; `apt-get install chromium`, or name one in RBEE_CHROMIUM, to test the interface",
  );

/** Containers give a browser neither a sandbox of its own nor much shared memory. */
export const openBrowser = (): Promise<Browser> =>
  chromium.launch({
    executablePath: program ?? "",
    args: ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"],
  });
