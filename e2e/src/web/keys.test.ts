import { limits } from "@rbee/contracts";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { withinDay } from "../day.ts";
import { LATE_MS } from "../../../contracts/src/testing/late.ts";
import { hasBrowser } from "./browser.ts";
import { openStand, type Stand } from "./stand.ts";

/** The owner hands out keys, and takes them back. Each step stands on the one before. */
describe.skipIf(!hasBrowser)("an owner with a browser", () => {
  let stand: Stand;
  let page: Page;
  /** As the page showed it, once. */
  let key: string;
  beforeAll(async () => {
    stand = await openStand();
    page = await stand.page();
    await page.locator("[data-hive]").waitFor();
  });
  afterAll(() => stand?.close());

  const button = (name: string | RegExp) => page.getByRole("button", { name, exact: true });
  const dialog = () => page.getByRole("dialog");
  /** Escape, a click beside it, the X: none of them closes the dialog. */
  const tryToLeave = async () => {
    await page.keyboard.press("Escape");
    await page.mouse.click(5, 5);
    expect(await dialog().getAttribute("data-open")).toBe("");
    expect(await button("Close").count()).toBe(0);
  };
  const row = () => page.locator('[data-key^="laptop-"]');
  const asks = async (shown: string): Promise<number> => {
    const headers = { authorization: `Bearer ${shown}`, "content-type": "application/json" };
    const body = JSON.stringify({ model: "bee-tiny", messages: [{ role: "user", content: "Hello" }], max_tokens: 4 });
    const response = await fetch(`${stand.house.url}/v1/chat/completions`, { method: "POST", headers, body });
    // To its end: whoever leaves has the job cancelled.
    const text = await response.text();
    if (response.status === 200)
      expect(JSON.parse(text)).toMatchObject({ usage: { completion_tokens: expect.any(Number) } });
    return response.status;
  };

  test("with no key yet the page says what keys are for, and a name that is none is not taken", async () => {
    await page.goto("/keys");
    await page.getByText("Only the owner's key so far").waitFor();
    await button("Create a key").click();
    const name = dialog().getByLabel("Name");
    expect(await name.evaluate((input) => input === document.activeElement)).toBe(true);
    await page.keyboard.type("No Name");
    await page.keyboard.press("Enter");
    expect(await name.evaluate((input: HTMLInputElement) => input.validity.patternMismatch)).toBe(true);
    expect((await stand.house.client().run("key_list", {})).keys).toEqual([]);
  });

  test("a key is made with the keyboard alone, is shown once, and stays whatever is pressed", async () => {
    const answered = Promise.withResolvers<void>();
    await page.route(/v1\/jobs\?/, async (route) => {
      await answered.promise;
      await route.continue();
    });
    await dialog().getByLabel("Name").fill("laptop");
    await dialog().getByLabel("Expires").selectOption("In 30 days");
    await dialog().getByLabel("Jobs a minute").fill("100");
    await dialog().getByLabel("Jobs at once").fill("2");
    await page.keyboard.press("Enter");
    await button("Creating…").waitFor();
    await tryToLeave();
    expect(await button("Not now").isDisabled()).toBe(true);
    answered.resolve();
    await button("I have it").waitFor();
    await page.unrouteAll();
    key = await dialog().getByLabel("API key", { exact: true }).innerText();
    expect(key).toMatch(/^rbk_[\w.-]{80,}$/);
    const copy = dialog().getByRole("button", { name: "Copy: API key" });
    expect(await copy.evaluate((element) => element === document.activeElement)).toBe(true);
    expect(await dialog().getByLabel("curl", { exact: true }).innerText()).toContain(`Bearer ${key}`);
    expect(await dialog().getByLabel("OpenAI", { exact: true }).innerText()).toBe(
      `export OPENAI_BASE_URL=${stand.house.url}/v1\nexport OPENAI_API_KEY=${key}`,
    );
    await tryToLeave();
    await button("I have it").focus();
    await page.keyboard.press("Enter");
    await dialog().waitFor({ state: "detached" });
    await row().getByText("not yet").waitFor();
    expect(await page.content()).not.toContain(key);
  });

  test("where there is no clipboard the key itself has the focus", async () => {
    const remote = await stand.page();
    await remote.addInitScript(() => Object.defineProperty(globalThis, "isSecureContext", { value: false }));
    await remote.goto("/keys");
    await remote.getByRole("button", { name: "Create a key" }).click();
    await remote.getByLabel("Name").fill("remote");
    await remote.keyboard.press("Enter");
    const shown = remote.getByLabel("API key", { exact: true });
    await shown.waitFor();
    expect(await shown.evaluate((element) => element === document.activeElement)).toBe(true);
    expect(await remote.getByRole("button", { name: /^Copy/ }).count()).toBe(0);
    await remote.context().close();
    const client = stand.house.client();
    const made = (await client.run("key_list", {})).keys.find(({ name }) => name === "remote");
    await client.run("key_revoke", { key_id: made?.key_id ?? "" });
  });

  test("the key does what its scope says, and its use is seen", async () => {
    await withinDay(async () => {
      expect(await asks(key)).toBe(200);
      const keys = async () => (await stand.house.client().run("key_list", {})).keys;
      const limited = { limits: { requests_per_minute: 100, concurrent: 2 } };
      expect(await keys()).toMatchObject([
        { name: "laptop", scope: "infer", expires_at: expect.any(Number), ...limited },
      ]);
      // The books are a moment behind the answer.
      await expect.poll(async () => (await keys())[0]?.today.jobs).toBe(1);
      await page.reload();
      await row().getByText("within the hour").waitFor();
      expect(await row().innerText()).toMatch(/[1-9]\d*\s+100 jobs a minute, 2 at once\s+infer/);
    });
  });

  test("who may not make keys is told so", async () => {
    const guest = await stand.page({ signedIn: false });
    await guest.goto(`/keys#key=${key}`);
    await guest.getByText("Only admins see the keys").waitFor();
    expect(await guest.getByRole("button", { name: "Create a key" }).count()).toBe(0);
    await guest.context().close();
  });

  test("who may only ask models is told so instead of the fleet, and asks one", async () => {
    const guest = await stand.page({ signedIn: false });
    for (const path of ["/models", "/workers", "/workers?tab=engines", "/"]) {
      await guest.goto(`${path}#key=${key}`);
      await guest.getByText("Only operators see the fleet").waitFor();
      await guest.getByText("Not live with this key").waitFor();
    }
    await guest.getByRole("link", { name: "Chat with a model" }).click();
    await guest.getByLabel("Model", { exact: true }).selectOption("bee-tiny");
    await guest.getByLabel("Message").fill("Who are you?");
    await guest.keyboard.press("Enter");
    await guest.locator(".by-model").waitFor();
    await guest.getByRole("button", { name: "Send" }).waitFor();
    await guest.context().close();
  });

  test("a key is revoked once that was confirmed, and then refused", async () => {
    await button(/^Revoke laptop-/).click();
    await dialog().getByRole("button", { name: "Keep it" }).click();
    expect(await asks(key)).toBe(200);
    await button(/^Revoke laptop-/).click();
    await dialog().getByRole("button", { name: "Revoke" }).click();
    await page.getByText("Only the owner's key so far").waitFor();
    await expect.poll(() => asks(key), { timeout: limits.key_known_ms + LATE_MS, interval: 100 }).toBe(401);
  });
});
