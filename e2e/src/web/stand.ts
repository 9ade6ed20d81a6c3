import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { BrowserContextOptions, Page } from "playwright-core";
import { engineVersion, packageFor } from "../../../hive-agent/src/binaries/packages.ts";
import { startRegistry, type TestRegistry } from "../../../hive-agent/src/binaries/testing-registry.ts";
import { startHub, type TestHub } from "../../../hive-agent/src/models/testing/hub.ts";
import { buildUi } from "@rbee/web-ui/build";
import { BEE_TINY, House } from "../house.ts";
import { openBrowser } from "./browser.ts";

/** A real house with a hub of its own, and a browser in front of it. */
export async function openStand() {
  await buildUi();
  const hub: TestHub = await startHub();
  // A little longer than the hive's own copy: the very same file would be taken from its disk.
  const bytes = Buffer.concat([readFileSync(BEE_TINY), Buffer.alloc(64)]);
  hub.addRepo("org/bees", { "bees.Q4_K_M.gguf": bytes }, { licence: "mit" });
  const quants = ["Q4_K_M", "Q5_K_M", "Q8_0"].map((quant) => [`bee-instruct.${quant}.gguf`, bytes]);
  hub.addRepo("org/Bee-Instruct-GGUF", Object.fromEntries(quants) as Record<string, Buffer>, { licence: "apache-2.0" });
  process.env["HF_ENDPOINT"] = hub.url;
  const registry = await engineRegistry();
  process.env["RBEE_NPM_REGISTRY"] = registry.url;
  const house = await House.open();
  await house.startHive("den");
  const browser = await openBrowser();
  return {
    hub,
    house,
    browser,
    /** A browser of somebody who is signed in, unless they are not. */
    async page({ signedIn = true, ...options }: BrowserContextOptions & { signedIn?: boolean } = {}): Promise<Page> {
      const context = await browser.newContext({
        baseURL: house.url,
        viewport: { width: 1280, height: 800 },
        ...options,
      });
      // Less than a test has, so that it says which wait was in vain.
      context.setDefaultTimeout(60_000);
      const page = await context.newPage();
      await page.goto(signedIn ? `/#key=${house.key}` : "/");
      return page;
    },
    async close(): Promise<void> {
      await browser.close();
      await house.close();
      await hub.close();
      await registry.close();
      delete process.env["HF_ENDPOINT"];
      delete process.env["RBEE_NPM_REGISTRY"];
    },
  };
}

/** Offers one engine, which any hive may install and none can run. */
async function engineRegistry(): Promise<TestRegistry> {
  const folder = mkdtempSync(join(tmpdir(), "rbee-engine-"));
  const name = packageFor("vulkan") ?? "";
  writeFileSync(join(folder, "package.json"), JSON.stringify({ name, version: engineVersion(), type: "module" }));
  writeFileSync(join(folder, "engine.bin"), randomBytes(200_000));
  try {
    return await startRegistry({ name, version: engineVersion(), folder });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

export type Stand = Awaited<ReturnType<typeof openStand>>;
