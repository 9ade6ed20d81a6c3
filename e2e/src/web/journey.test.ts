import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { best } from "../../../contracts/src/testing/late.ts";
import { freeze, thaw, workersOf } from "../process.ts";
import { runInSlices } from "../slices.ts";
import { hasBrowser } from "./browser.ts";
import { openStand, type Stand } from "./stand.ts";

/** One person's way through the interface: a real browser, queen, hive and model. Each step stands on the one before. */

const GREY_WITHIN_MS = 3_000;
const MODEL = "org/bees:Q4_K_M";

describe.skipIf(!hasBrowser)("a person with a browser", () => {
  let stand: Stand;
  let page: Page;
  beforeAll(async () => {
    stand = await openStand();
    page = await stand.page({ signedIn: false });
  });
  afterAll(() => stand?.close());

  const row = () => page.locator(`[data-model="${MODEL}"]`);
  const button = (name: string | RegExp) => page.getByRole("button", { name });

  test("a wrong key is refused in the queen's words", async () => {
    await page.getByLabel("API key").fill("rbk_wrong");
    await button("Sign in").click();
    const alert = page.getByRole("alert");
    await alert.waitFor();
    expect(await alert.innerText()).toMatch(/the key is not known here unauthorized/);
  });

  test("the right key shows the fleet, and stays over a reload", async () => {
    await page.getByLabel("API key").fill(stand.house.key);
    await button("Sign in").click();
    await page.locator('[data-hive="den"][data-connected="true"]').waitFor();
    await page.reload();
    await page
      .locator('[data-hive="den"]')
      .getByText(/free of/)
      .first()
      .waitFor();
  });

  test("a download shows its bar, is cancelled, and goes on where it was", async () => {
    stand.hub.faults.push({ kind: "stall", after: 1_000_000 });
    await page.goto("/models?tab=discover");
    await page.getByLabel("Search the hub").fill("org/bees");
    await button("Search").click();
    await button("Download org/bees").click();
    await page.getByRole("dialog").getByRole("button", { name: "Download" }).click();
    const work = page.locator(".tray .work");
    await work.locator('[role=progressbar][aria-valuenow]:not([aria-valuenow="0"])').waitFor();
    await button(/^Cancel: Download/).click();
    await work.and(page.locator("[data-status=cancelled]")).waitFor();
    await button(/^Resume: Download/).click();
    await work.and(page.locator("[data-status=succeeded]")).waitFor();
    await button(/^Dismiss: Download/).click();
    await page.getByRole("tab", { name: /Downloaded/ }).click();
    await row().waitFor();
  });

  test("a model is loaded on the device that was chosen", async () => {
    await button(`Load ${MODEL} on den`).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByRole("radio", { name: /^cpu, .+ GiB free/ }).check();
    await dialog.getByRole("button", { name: "Load" }).click();
    await row().getByText("loaded").waitFor();
    const { workers } = await stand.house.client().run("status", {});
    expect(workers.find(({ model }) => model === MODEL)).toMatchObject({ device: "cpu", state: "ready" });
  });

  test("an answer streams, and goes on after a reload in the middle of it", async () => {
    const workers = workersOf(stand.house.hive("den").pid);
    await page.goto("/chat");
    await page.getByLabel("Model", { exact: true }).selectOption("bee-tiny");
    const answer = page.locator(".by-model");
    let before = "";
    freeze(workers);
    try {
      await page.getByLabel("Message").fill("Tell me a short story about a bee.");
      await page.keyboard.press("Enter");
      await runInSlices(workers, async () => (await answer.count()) > 0);
      await page.reload();
      await answer.waitFor();
      before = await answer.innerText();
      await page.route("**/v1/jobs/*", (route) => route.abort());
      await button("Stop").click();
      await page.getByText("Not stopped").first().waitFor();
      await page.unrouteAll();
    } finally {
      thaw(workers);
    }
    await button("Send").waitFor();
    const client = stand.house.client();
    const infer = (await client.list()).find(({ operation }) => operation === "infer");
    const { text = "" } = (await client.get(infer?.job_id ?? "")).result as { text?: string };
    const words = (what: string): string => what.replaceAll(/\s+/g, " ").trim();
    expect(words(await answer.innerText())).toBe(words(text));
    expect(text.length).toBeGreaterThan(before.length);
    await page.locator(".composer-note", { hasText: "tokens/s" }).waitFor();
    // Read out over the answer each second, nobody could listen to it.
    expect(await page.locator(".composer [role=status]").innerText()).toBe("");
  });

  test("a model is unloaded, and deleted once that was confirmed", async () => {
    await page.goto("/models");
    await button(`Unload ${MODEL} from den`).click();
    await row().getByText("on disk").waitFor();
    await button(`Delete ${MODEL} from den`).click();
    await page.getByRole("dialog").getByRole("button", { name: "Keep it" }).click();
    expect(await row().count()).toBe(1);
    await button(`Delete ${MODEL} from den`).click();
    await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
    await row().waitFor({ state: "detached" });
  });

  test("a link does nothing before it is confirmed; then it is one job", async () => {
    await page.goto("/run/org/bees");
    await page.getByText("Nothing has started yet").waitFor();
    await page.getByText("mit", { exact: true }).waitFor();
    const client = stand.house.client();
    const runs = async () => (await client.list()).filter(({ operation }) => operation === "model_run");
    expect(await runs()).toEqual([]);
    await page.goto("/run/org/Bee-Instruct-GGUF?quant=q8_0");
    await expect.poll(() => page.getByLabel("Quantisation").inputValue()).toBe("Q8_0");
    await page.goto("/run/org/bees");
    await page.getByLabel("Hive").selectOption("den");
    await page.getByRole("radio", { name: /^cpu/ }).check();
    await button(/^Run$/).dblclick();
    await page.getByRole("link", { name: "Chat with it" }).waitFor();
    expect(await runs()).toMatchObject([{ state: "succeeded", hive_id: "den" }]);
  });

  test("a hive joins with the command that is shown", async () => {
    await page.goto("/add");
    await page.getByLabel("Name").fill("attic");
    await button("Show the command").click();
    const command = await page.getByLabel("Command", { exact: true }).innerText();
    const token = /RBEE_JOIN_TOKEN=(\S+)/.exec(command)?.[1] ?? "";
    expect(command).toContain(`--queen-url ${stand.house.url}`);
    await page.getByText("Waiting for it to dial in").waitFor();
    await stand.house.startHive("attic", [], { env: { RBEE_JOIN_TOKEN: token } });
    await page.getByText("attic is connected").waitFor();
  });

  test("a draft stays while the only hive is away, and its model stays chosen", async () => {
    await page.goto("/chat");
    const message = page.getByLabel("Message");
    await message.fill("What I was about to say");
    const chosen = page.getByLabel("Model", { exact: true }).locator("option:checked");
    const model = await chosen.innerText();
    await stand.house.hive("attic").kill("SIGKILL");
    await stand.house.hive("den").kill("SIGKILL");
    await expect.poll(() => chosen.innerText()).toBe(`${model} (away)`);
    expect(await message.inputValue()).toBe("What I was about to say");
    await stand.house.startHive("den");
    await expect.poll(() => chosen.innerText()).toBe(model);
    expect(await message.inputValue()).toBe("What I was about to say");
    await stand.house.startHive("attic", []);
  });

  test("a hive that is killed goes grey within three seconds", async () => {
    await page.goto("/");
    const attic = (connected: boolean) => page.locator(`[data-hive="attic"][data-connected="${connected}"]`).waitFor();
    let killed = false;
    await best(GREY_WITHIN_MS, async () => {
      if (killed) await stand.house.startHive("attic", []);
      await attic(true);
      const began = performance.now();
      await stand.house.hive("attic").kill("SIGKILL");
      killed = true;
      await attic(false);
      return performance.now() - began;
    });
  });
});
