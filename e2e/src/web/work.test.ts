import { limits } from "@rbee/contracts";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { freeze, thaw, workersOf } from "../process.ts";
import { hasBrowser } from "./browser.ts";
import { openStand, type Stand } from "./stand.ts";

/** So that few lines are too many for it, as a build's are. */
const lowLogs = (): void => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(".log { max-height: 30px !important; }");
  document.adoptedStyleSheets.push(sheet);
};

/** Whoever looks after the machines: engines, workers, jobs, usage, settings. Each step stands on the one before. */
describe.skipIf(!hasBrowser)("an operator with a browser", () => {
  let stand: Stand;
  let page: Page;
  beforeAll(async () => {
    stand = await openStand();
    page = await stand.page();
    await page.locator("[data-hive]").waitFor();
  });
  afterAll(() => stand?.close());

  const button = (name: string) => page.getByRole("button", { name, exact: true });
  const dialog = () => page.getByRole("dialog");
  const worker = (id: string) => page.locator(`[data-worker="${id}"]`);
  const jobsOf = async (name: string) => (await stand.house.client().list()).filter((job) => job.operation === name);
  const workerIds = async () => {
    await page.locator("[data-worker]").first().waitFor();
    return page.locator("[data-worker]").evaluateAll((rows) => rows.map((row) => row.dataset["worker"]));
  };
  const engineProcesses = () => workersOf(stand.house.hive("den").pid);

  test("an engine is installed, its log is read live, and it is removed once that was confirmed", async () => {
    await page.goto("/workers?tab=engines");
    await page.evaluate(lowLogs);
    await button("Install vulkan-llm-worker").click();
    const log = page.getByRole("list", { name: "Log" });
    await log.getByText("Asking the registry for").waitFor();
    await log.getByText("Unpacking").waitFor();
    await page.locator(".tray .work[data-status=succeeded]").waitFor();
    const { above, below } = await log.evaluate(({ scrollTop, scrollHeight, clientHeight }) => ({
      above: scrollTop,
      below: scrollHeight - scrollTop - clientHeight,
    }));
    expect(above).toBeGreaterThan(0);
    expect(below).toBeLessThan(2);
    await button("Dismiss all; what runs goes on").click();
    await button("Remove vulkan-llm-worker").click();
    await dialog().getByRole("button", { name: "Keep it" }).click();
    await button("Remove vulkan-llm-worker").click();
    await dialog().getByRole("button", { name: "Remove" }).click();
    await button("Install vulkan-llm-worker").waitFor();
  });

  test("a link to an engine does nothing before it is confirmed", async () => {
    await page.goto("/install/worker?type=vulkan-llm-worker&hive=den");
    await page.getByText("Nothing has started yet").waitFor();
    const before = (await jobsOf("worker_download")).length;
    await expect.poll(() => page.getByLabel("Hive").inputValue()).toBe("den");
    // A double click asks once, as everywhere.
    await button("Install").dblclick();
    await page.locator("main .work[data-status=succeeded]").waitFor();
    expect(await jobsOf("worker_download")).toHaveLength(before + 1);
    await page.goto("/install/worker?type=evil");
    await page.getByText("there is no such engine").waitFor();
    expect(await button("Install").isDisabled()).toBe(true);
  });

  test("a worker is started on the device that was chosen", async () => {
    await page.goto("/workers");
    const [first] = await workerIds();
    await button("Start a worker").click();
    await dialog().getByLabel("Model").selectOption("bee-tiny");
    await dialog()
      .getByRole("radio", { name: /^cpu, .+ GiB free/ })
      .check();
    await dialog().getByLabel("Slots").fill("2");
    await dialog().getByRole("button", { name: "Start", exact: true }).click();
    await page.locator(`[data-worker]:not([data-worker="${first}"])`, { hasText: "ready" }).waitFor();
    const { workers } = await stand.house.client().run("status", {});
    expect(workers.find(({ worker_id }) => worker_id !== first)).toMatchObject({ device: "cpu", slots: 2 });
  });

  test("one worker is retired, another one is stopped once that was confirmed", async () => {
    const [retired = "", stopped = ""] = await workerIds();
    await button(`Retire ${retired}`).click();
    await worker(retired).waitFor({ state: "detached" });
    await button(`Stop ${stopped}`).click();
    const idle = dialog().getByText("It is answering nothing now");
    await idle.waitFor();
    freeze(engineProcesses());
    try {
      await stand.house.client().submit("infer", { model: "bee-tiny", prompt: "Who are you?" });
      await dialog().getByText("What it is answering (1)").waitFor();
    } finally {
      thaw(engineProcesses());
    }
    await idle.waitFor();
    await dialog().getByRole("button", { name: "Keep it" }).click();
    expect(await worker(stopped).count()).toBe(1);
    await button(`Stop ${stopped}`).click();
    await dialog().getByRole("button", { name: "Stop" }).click();
    await page.getByText("No worker runs").waitFor();
  });

  test("a job is found in the list, read, and read again", async () => {
    await stand.house.client().run("infer", { model: "bee-tiny", prompt: "What do bees eat?", temperature: 0 });
    await page.goto("/jobs");
    await page.getByRole("link", { name: "infer" }).first().click();
    const text = page.locator(".job-text");
    await text.getByText("In the winter they eat honey.").waitFor();
    const said = await text.innerText();
    // Short of the whole for a while: it is told again from its first word. Whoever looks only afterwards may be late.
    const short = page.waitForFunction(
      (whole) => (document.querySelector(".job-text")?.textContent ?? "").length < whole,
      said.length,
    );
    await Promise.all([short, button("Replay").click()]);
    await button("Replay").waitFor();
    expect(await text.innerText()).toBe(said);
  });

  test("a job is cancelled, and retried from another browser", async () => {
    await stand.house.client().run("infer", { model: "bee-tiny", prompt: "Who are you?" });
    freeze(engineProcesses());
    const input = { model: "bee-tiny", prompt: "What do bees eat?", temperature: 0 } as const;
    const { job_id } = await stand.house.client().submit("infer", input);
    await page.goto("/jobs");
    await page.locator("tbody tr").first().getByRole("link", { name: "infer" }).click();
    await page.waitForURL(`**/jobs/${job_id}`);
    // The queen has heard it before the engine may go on: else the answer could be there first.
    const heard = page.waitForResponse((response) => response.request().method() === "DELETE");
    await button("Cancel").click();
    await heard;
    thaw(engineProcesses());
    await page.getByText("cancelled", { exact: true }).waitFor();
    const other = await stand.page();
    await other.goto(`/jobs/${job_id}`);
    const before = (await jobsOf("infer")).length;
    await other.getByRole("button", { name: "Retry" }).dblclick();
    await other.waitForURL((url) => url.pathname.startsWith("/jobs/") && !url.pathname.endsWith(job_id));
    await other.getByText("succeeded", { exact: true }).waitFor();
    const retried = new URL(other.url()).pathname.split("/").at(-1) ?? "";
    const { text } = await stand.house.client().open<"infer">(retried).result();
    await other
      .getByText(text.split("\n")[0] ?? "")
      .first()
      .waitFor();
    expect(await jobsOf("infer")).toHaveLength(before + 1);
    await other.context().close();
  });

  test("a job that ends before the page has heard what it is stands there as ended", async () => {
    freeze(engineProcesses());
    const client = stand.house.client();
    const { job_id } = await client.submit("infer", { model: "bee-tiny", prompt: "What do bees eat?" });
    await page.route(`**/v1/jobs/${job_id}`, async (route) => {
      const response = await route.fetch();
      thaw(engineProcesses());
      await client.open(job_id).result();
      await route.fulfill({ response });
    });
    await page.goto(`/jobs/${job_id}`);
    await page.getByText("succeeded", { exact: true }).waitFor();
    await page.unrouteAll();
  });

  test("what waits says why, until it does not wait any more", async () => {
    const client = stand.house.client();
    const input = { model: "bee-tiny", prompt: "Who are you?" };
    await client.run("infer", input);
    const { workers } = await client.run("status", {});
    const slots = workers.reduce((sum, worker) => sum + worker.slots, 0);
    const line = page.getByRole("region", { name: "Waiting" });
    freeze(engineProcesses());
    try {
      for (let i = 0; i <= slots; i++) await client.submit("infer", input);
      await page.goto("/jobs");
      await line.getByText("every slot of bee-tiny is busy").waitFor();
    } finally {
      thaw(engineProcesses());
    }
    await line.waitFor({ state: "detached" });
  });

  test("what failed is found behind all that came after it", async () => {
    const client = stand.house.client();
    await expect(client.run("model_download", { hive_id: "den", model: "org/nowhere" })).rejects.toThrow();
    for (let i = 0; i < limits.heartbeat_jobs_max; i++) await client.run("hive_status", { hive_id: "den" });
    await page.goto("/jobs");
    await button("Failed").click();
    await page.getByRole("link", { name: "model_download" }).waitFor();
  });

  test("what was used is shown by model, hive and key", async () => {
    await page.goto("/usage");
    const name = page.locator("tbody td.name");
    await name.getByText("bee-tiny").waitFor();
    await button("Hive").click();
    await name.getByText("den").first().waitFor();
    await button("Key").click();
    await name.getByText("owner").waitFor();
    const { total } = await stand.house.client().run("usage_report", {});
    const tiles = page.locator(".tiles dd");
    expect(await tiles.first().innerText()).toBe(String(total.jobs));
    await button("24 hours").click();
    await name.getByText("owner").waitFor();
  });

  test("settings: the queen tests herself, the theme stays over a reload, and one signs out", async () => {
    await page.goto("/settings");
    await button("Test").click();
    await page.locator(".checks li").first().waitFor();
    expect(await page.locator(".checks .not-ok").count()).toBe(0);
    await button("Dark").click();
    await page.reload();
    await page.locator('html[data-theme="dark"]').waitFor();
    expect(await button("Dark").getAttribute("aria-pressed")).toBe("true");
    await page.evaluate(() => sessionStorage.setItem("rbee.chat", JSON.stringify({ turns: [] })));
    await button("Sign out").click();
    await page.getByLabel("API key").waitFor();
    const kept = await page.evaluate(() => [...Object.keys(localStorage), ...Object.keys(sessionStorage)]);
    expect(kept).toEqual(["rbee.theme"]);
    await page.reload();
    await page.getByLabel("API key").waitFor();
  });
});
