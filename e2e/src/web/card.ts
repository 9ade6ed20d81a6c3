import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import type { Browser } from "playwright-core";

/** The picture that other sites show beside a link to `/run/<org>/<repo>`; job-http/src/ui-card.ts tells them its size. */
const cardFile = fileURLToPath(new URL("../../../web-ui/public/card.png", import.meta.url));
export const cardSize = { width: 1200, height: 630 } as const;

const uiFile = (path: string): Buffer => readFileSync(new URL(`../../../web-ui/${path}`, import.meta.url));
const dataUrl = (type: string, bytes: Buffer): string => `data:${type};base64,${bytes.toString("base64")}`;
const font = (): Buffer =>
  readFileSync(
    createRequire(new URL("../../../web-ui/package.json", import.meta.url)).resolve(
      "@fontsource-variable/geist/files/geist-latin-wght-normal.woff2",
    ),
  );

/** The product's words, mark and colours, beside a picture of itself. @param picture a page of it, dark, as PNG */
export async function drawCard(browser: Browser, picture: Buffer): Promise<void> {
  const page = await browser.newPage({ viewport: cardSize, colorScheme: "dark" });
  await page.setContent(`<!doctype html><style>
@font-face { font-family: "Geist Variable"; src: url(${dataUrl("font/woff2", font())}); font-weight: 100 900; }
${uiFile("src/styles/tokens.css").toString()}
body { margin: 0; height: 630px; overflow: hidden; background: var(--ground); color: var(--text); font-family: var(--sans); }
main { position: absolute; inset: 0 auto 0 72px; width: 470px; display: flex; flex-direction: column; justify-content: center; }
.brand { display: flex; align-items: center; gap: 16px; font-size: 40px; font-weight: 620; }
.brand img { width: 56px; }
h1 { margin: 44px 0 22px; font-size: 62px; line-height: 1.06; font-weight: 640; letter-spacing: -0.03em; }
p { margin: 0; font-size: 27px; line-height: 1.4; color: var(--muted); }
.shot { position: absolute; left: 600px; top: 84px; width: 1040px; border: 1px solid var(--line); border-radius: 16px 0 0 16px; box-shadow: var(--shadow); }
</style>
<main><div class="brand"><img src="${dataUrl("image/svg+xml", uiFile("public/favicon.svg"))}" alt="">rbee</div>
<h1>Run models on your own GPUs</h1><p>One address for all of them, wherever they stand.</p></main>
<img class="shot" src="${dataUrl("image/png", picture)}" alt="">`);
  await page.evaluate("Promise.all([document.fonts.ready, ...[...document.images].map((image) => image.decode())])");
  await page.screenshot({ path: cardFile });
  await page.close();
}
