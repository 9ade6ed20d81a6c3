import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { best } from "../../../contracts/src/testing/late.ts";
import { hasBrowser } from "./browser.ts";
import { cardSize } from "./card.ts";
import { openStand, type Stand } from "./stand.ts";

/** What holds for every page: it can be used by everybody, is light, and keeps to itself. */

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const FIRST_LOAD_BYTES_MAX = 250_000;
const INTERACTIVE_MS_MAX = 2_000;

const pages = [
  { path: "/", ready: "[data-hive]" },
  { path: "/models", ready: "[data-model]" },
  { path: "/models?tab=loaded", ready: "[data-worker]" },
  { path: "/models?tab=discover", ready: ".found li" },
  { path: "/workers", ready: "[data-worker]" },
  { path: "/workers?tab=engines", ready: ".found li button" },
  { path: "/jobs", ready: "tbody tr" },
  { path: "/chat", ready: "textarea" },
  { path: "/usage", ready: "tbody tr" },
  { path: "/keys", ready: "[data-key]" },
  { path: "/settings", ready: "form, dl" },
  { path: "/add", ready: "form" },
  { path: "/install/worker?type=vulkan-llm-worker", ready: "dl" },
  { path: "/run/org/bees", ready: "form" },
  { path: "/nowhere", ready: ".empty" },
] as const;

const dialogs = [
  { path: "/", open: "Details of den", shows: "Let it test itself" },
  { path: "/models", open: "Details of bee-tiny on den", shows: "Architecture" },
  { path: "/models", open: "Delete bee-tiny from den", shows: "Keep it" },
  { path: "/models", open: "Load org/bees:Q4_K_M on den", shows: "Context" },
  { path: "/models?tab=discover", open: "Download org/Bee-Instruct-GGUF", shows: "Licence" },
  { path: "/workers", open: "Start a worker", shows: "Engine" },
  { path: "/workers", open: /^Stop worker-/, shows: "Keep it" },
  { path: "/keys", open: "Create a key", shows: "Scope" },
  { path: "/keys", open: /^Revoke laptop-/, shows: "Keep it" },
  { path: "/chat", open: "Parameters", shows: "JSON schema" },
] as const;

const looks = [
  { colorScheme: "light", width: 1280 },
  { colorScheme: "dark", width: 1280 },
  { colorScheme: "light", width: 390 },
  { colorScheme: "dark", width: 390 },
] as const;

interface Violation {
  readonly id: string;
  readonly impact: string;
  readonly nodes: readonly { readonly html: string; readonly failureSummary: string }[];
}

/** What fades in has its colours only when it is there. */
const shown = async (): Promise<void> => {
  const passing = document.getAnimations().filter(({ effect }) => effect?.getComputedTiming().endTime !== Infinity);
  await Promise.allSettled(passing.map(({ finished }) => finished));
};

/** What axe finds serious or worse. Evaluated from outside: the page's own policy lets no script in. */
async function seriousIssues(page: Page): Promise<string[]> {
  await page.evaluate(AXE);
  await page.evaluate(shown);
  const found = await page.evaluate<{ violations: Violation[] }>("axe.run(document, { resultTypes: ['violations'] })");
  return found.violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .flatMap(({ id, nodes }) =>
      nodes.map(({ html, failureSummary }) => `${id}: ${html.slice(0, 160)} ${failureSummary}`),
    );
}

describe.skipIf(!hasBrowser)("every page", () => {
  let stand: Stand;
  beforeAll(async () => {
    stand = await openStand();
    const client = stand.house.client();
    await client.run("infer", { model: "bee-tiny", prompt: "Who are you?" });
    await client.run("model_download", { hive_id: "den", model: "org/bees" });
    await client.run("key_create", { name: "laptop" });
  });
  afterAll(() => stand?.close());

  test.for(looks)("has no serious issue: $colorScheme, $width pixels", async ({ colorScheme, width }) => {
    const door = await stand.page({ signedIn: false, colorScheme });
    await door.getByLabel("API key").waitFor();
    expect(await seriousIssues(door)).toEqual([]);
    const page = await stand.page({ colorScheme, viewport: { width, height: 844 } });
    await page.locator("[data-hive]").waitFor();
    const issues: string[] = [];
    for (const { path, ready } of pages) {
      await page.goto(path);
      await page.locator(ready).first().waitFor();
      issues.push(...(await seriousIssues(page)).map((issue) => `${path} ${issue}`));
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      if (overflow > 0) issues.push(`${path} is ${overflow} pixels too wide`);
    }
    expect(issues).toEqual([]);
  });

  test.for(looks)(
    "no dialog has one: $colorScheme, $width pixels; Escape closes it",
    async ({ colorScheme, width }) => {
      const page = await stand.page({ colorScheme, viewport: { width, height: 844 } });
      await page.locator("[data-hive]").waitFor();
      const dialog = page.getByRole("dialog");
      const issues: string[] = [];
      for (const { path, open, shows } of dialogs) {
        await page.goto(path);
        await page.getByRole("button", { name: open }).first().click();
        await dialog.getByText(shows).first().waitFor();
        issues.push(...(await seriousIssues(page)).map((issue) => `${path} ${open} ${issue}`));
        // The focus is in it, so that Escape reaches it.
        expect(
          await dialog
            .locator(":focus")
            .or(dialog.and(page.locator(":focus")))
            .count(),
          String(open),
        ).toBe(1);
        await page.keyboard.press("Escape");
        await dialog.waitFor({ state: "detached" });
      }
      expect(issues).toEqual([]);
    },
  );

  test("says what its fields are for, and forgets what was typed and not used", async () => {
    const page = await stand.page();
    await page.locator("[data-hive]").waitFor();
    await page.goto("/chat");
    const open = page.getByRole("button", { name: "Parameters" });
    const schema = page.getByLabel("JSON schema");
    await open.click();
    const hint = page.locator(`[id="${await schema.getAttribute("aria-describedby")}"]`);
    expect(await hint.innerText()).toMatch(/The answer is made to fit it/);
    await schema.fill("{}");
    await page.keyboard.press("Escape");
    await schema.waitFor({ state: "detached" });
    await open.click();
    expect(await schema.inputValue()).toBe("");
  });

  test("loads little and is soon there", () =>
    best(INTERACTIVE_MS_MAX, async () => {
      const page = await stand.page({ signedIn: false });
      let bytes = 0;
      const weighed: Promise<void>[] = [];
      page.on("response", (response) => {
        const isUi = !new URL(response.url()).pathname.startsWith("/v1/");
        if (isUi)
          weighed.push(
            response.body().then(
              (body) => void (bytes += gzipSync(body).length),
              () => undefined,
            ),
          );
      });
      const start = performance.now();
      await page.goto(`/?fresh#key=${stand.house.key}`);
      await page.locator("[data-hive]").waitFor();
      const interactive_ms = performance.now() - start;
      await page.locator("canvas").first().waitFor();
      await Promise.all(weighed);
      console.warn(`first load ${Math.round(bytes / 1000)} kB gzip, interactive in ${Math.round(interactive_ms)} ms`);
      expect(bytes).toBeGreaterThan(50_000);
      expect(bytes).toBeLessThan(FIRST_LOAD_BYTES_MAX);
      return interactive_ms;
    }));

  test("of a build that is gone is loaded anew, once; what is missing even then is said where it would stand", async () => {
    const page = await stand.page();
    await page.locator("[data-hive]").waitFor();
    await page.route("**/assets/usage-page-*.js", (route) => route.fulfill({ status: 404 }), { times: 1 });
    await page.getByRole("link", { name: "Usage" }).click();
    await page.locator("tbody tr").first().waitFor();
    await page.route("**/assets/keys-page-*.js", (route) => route.fulfill({ status: 404 }));
    await page.getByRole("link", { name: "API keys" }).click();
    await page.getByRole("button", { name: "Load the page anew" }).waitFor();
    await page.getByRole("link", { name: "Fleet" }).click();
    await page.locator("[data-hive]").waitFor();
  });

  test("breaks its own policy nowhere", async () => {
    const page = await stand.page();
    const complaints: string[] = [];
    page.on("console", (message) => void (message.type() === "error" && complaints.push(message.text())));
    page.on("pageerror", (error) => complaints.push(String(error)));
    for (const { path, ready } of pages.filter(({ path }) => path !== "/nowhere")) {
      await page.goto(path);
      await page.locator(ready).first().waitFor();
    }
    expect(complaints).toEqual([]);
  });

  test("is linked to with a picture that everybody can show", async () => {
    const page = await stand.page({ signedIn: false });
    await page.goto("/run/org/bees");
    const tag = (name: string) => page.locator(`meta[property="og:${name}"]`).getAttribute("content");
    const [image, type, width, height] = await Promise.all(
      ["image", "image:type", "image:width", "image:height"].map(tag),
    );
    // A browser is the strictest reader of pictures there is here.
    const decoded = await page.evaluate(async (url) => {
      const answer = await fetch(url);
      const picture = await createImageBitmap(await answer.blob());
      return { type: answer.headers.get("content-type"), width: picture.width, height: picture.height };
    }, image ?? "");
    expect(decoded).toEqual({ type, width: Number(width), height: Number(height) });
    expect(decoded).toEqual({ type: "image/png", ...cardSize });
  });

  test("of a hive's local server shows that hive", async () => {
    const { url, key } = JSON.parse(readFileSync(join(stand.house.homeOf("den"), "local.json"), "utf8")) as Record<
      string,
      string
    >;
    const page = await stand.page({ signedIn: false });
    await page.goto(`${url}/#key=${key}`);
    await page.locator('[data-hive="den"][data-connected="true"]').waitFor();
    expect(await page.locator("[data-hive]").count()).toBe(1);
  });
});

describe("what is served", () => {
  let stand: Awaited<ReturnType<typeof openHouse>>;
  beforeAll(async () => {
    stand = await openHouse();
  });
  afterAll(() => stand.close());
  const get = (path: string, accept = "text/html"): Promise<Response> =>
    fetch(stand.url + path, { headers: { accept } });

  test("no page ever stands in front of the API", async () => {
    for (const path of ["/v1/nothing", "/api/nothing", "/v1/jobs", "/openai/v1/x", "/metrics/x"]) {
      const answer = await get(path);
      expect(answer.headers.get("content-type"), path).not.toContain("text/html");
      expect(answer.status, path).toBeGreaterThanOrEqual(400);
    }
    expect((await get("/", "*/*")).headers.get("content-type")).toContain("text/plain");
    for (const { path } of pages) expect((await get(path)).status, path).toBe(path === "/nowhere" ? 404 : 200);
  });

  test("pages let no foreign script in; hashed files stay for ever", async () => {
    const page = await get("/models");
    expect(page.headers.get("content-security-policy")).toContain("script-src 'self'");
    const html = await page.text();
    expect(html).not.toMatch(/<script(?![^>]*src=)/);
    const asset = /\/assets\/[\w-]+\.js/.exec(html)?.[0] ?? "";
    expect((await get(asset)).headers.get("cache-control")).toBe("public, max-age=31536000, immutable");
  });

  test("a link to a model tells others what it is", async () => {
    // Those who ask for a card take anything.
    const html = await (await get("/run/org/bees", "*/*")).text();
    expect(html).toContain('property="og:title" content="Run org/bees"');
    expect(html).toContain(`property="og:image" content="${stand.url}/card.png"`);
    expect(await (await get("/run/org/%22%3E%3Cscript%3E")).text()).not.toContain("og:title");
  });
});

async function openHouse() {
  const { House } = await import("../house.ts");
  const house = await House.open();
  return { url: house.url, close: () => house.close() };
}
