import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Page } from "playwright-core";
import { House } from "../house.ts";
import { drawCard } from "./card.ts";
import { openStand, type Stand } from "./stand.ts";

/** `npm run screenshots`: pictures of the real product, for the README; `-- <folder>`: of every page, to look at. */
const all = process.argv[2];
const inReadme = ["fleet", "chat-dark", "run-phone"];
/** The page that links to models are shown with. */
const CARD = "fleet-dark";
const folder = all ?? fileURLToPath(new URL("../../../docs/screenshots", import.meta.url));
mkdirSync(folder, { recursive: true });

async function shot(page: Page, name: string): Promise<void> {
  const kept = all !== undefined || inReadme.includes(name);
  const path = kept ? { path: join(folder, `${name}.png`) } : {};
  if (!kept && name !== CARD) return;
  const picture = await page.screenshot({ ...path, animations: "disabled" });
  if (name === CARD) await drawCard(stand.browser, picture);
}

const pages = [
  { name: "fleet", path: "/", ready: "[data-hive]" },
  { name: "models", path: "/models", ready: "[data-model]" },
  { name: "discover", path: "/models?tab=discover", ready: ".found li" },
  { name: "workers", path: "/workers", ready: "[data-worker]" },
  { name: "engines", path: "/workers?tab=engines", ready: ".found li button" },
  { name: "jobs", path: "/jobs", ready: "tbody tr" },
  { name: "usage", path: "/usage", ready: "tbody tr" },
  { name: "keys", path: "/keys", ready: "[data-key]" },
  { name: "settings", path: "/settings", ready: "h1" },
  { name: "add", path: "/add", ready: "form" },
  { name: "run", path: "/run/org/bees", ready: "form" },
  { name: "install", path: "/install/worker?type=vulkan-llm-worker", ready: "dl" },
] as const;
const emptyPages = ["", "models", "workers", "jobs", "chat", "usage", "keys"];

async function converse(page: Page): Promise<void> {
  await page.goto("/chat");
  for (const question of ["What do bees eat?", "Tell me a short story about a bee."]) {
    await page.getByLabel("Message").fill(question);
    await page.keyboard.press("Enter");
    await page.getByRole("button", { name: "Stop" }).waitFor();
    await page.getByRole("button", { name: "Send" }).waitFor();
  }
}

/** So that the charts have a course, however fast the machine is. */
const WORK_MS = 20_000;
async function work({ house }: Stand): Promise<void> {
  const client = house.client();
  for (const end = performance.now() + WORK_MS; performance.now() < end;) {
    const prompts = ["Who are you?", "Tell me a story.", "What is honey?"];
    await Promise.all(prompts.map((prompt) => client.run("infer", { model: "bee-tiny", prompt, max_tokens: 300 })));
  }
}

async function shoot(stand: Stand, look: { suffix: string; dark: boolean; phone: boolean }): Promise<void> {
  const page = await stand.page({
    colorScheme: look.dark ? "dark" : "light",
    viewport: look.phone ? { width: 390, height: 844 } : { width: 1280, height: 800 },
    deviceScaleFactor: look.phone ? 2 : 1,
  });
  await page.waitForSelector("[data-hive]");
  await work(stand);
  for (const { name, path, ready } of pages) {
    // Within the app, as a person goes there: the charts keep what they have seen.
    await page.evaluate((to) => {
      history.pushState(null, "", to);
    }, path);
    await page.waitForSelector(ready);
    await page.waitForFunction(() => document.querySelector("[aria-busy=true]") === null);
    await shot(page, `${name}${look.suffix}`);
  }
  await page.goto("/jobs");
  await page.locator("tbody a").first().click();
  await page.getByRole("region", { name: "Result" }).waitFor();
  await shot(page, `job${look.suffix}`);
  await converse(page);
  await shot(page, `chat${look.suffix}`);
  await page.context().close();
}

/** What a queen without a hive shows. */
async function shootEmpty({ browser }: Stand): Promise<void> {
  const house = await House.open();
  const page = await browser.newPage({ baseURL: house.url, viewport: { width: 1280, height: 800 } });
  await page.goto(`/#key=${house.key}`);
  for (const name of emptyPages) {
    await page.goto(`/${name}`);
    await page.waitForSelector(".empty");
    await shot(page, `${name === "" ? "fleet" : name}-empty`);
  }
  await page.context().close();
  await house.close();
}

const stand = await openStand();
try {
  await stand.house.startHive("attic", [
    "--model-file",
    fileURLToPath(new URL("../../../models/bee-tiny/bee-tiny.f16.gguf", import.meta.url)),
  ]);
  const client = stand.house.client();
  await client.run("key_create", { name: "website" });
  await client.run("key_create", { name: "anna", scope: "operator", expires_in: 2_592_000 });
  const door = await stand.page({ signedIn: false });
  await door.getByLabel("API key").waitFor();
  await shot(door, "sign-in");
  await shoot(stand, { suffix: "", dark: false, phone: false });
  await shoot(stand, { suffix: "-dark", dark: true, phone: false });
  await shoot(stand, { suffix: "-phone", dark: false, phone: true });
  if (all !== undefined) await shootEmpty(stand);
} finally {
  await stand.close();
}
