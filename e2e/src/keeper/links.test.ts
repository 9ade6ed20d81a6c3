import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { BEE_TINY, House } from "../house.ts";
import { hasTmux, Terminal } from "../terminal.ts";

/** A click on a rbee:// link, on a desktop's own tools. On macOS and Windows nobody has tried. */

const has = (program: string): boolean => spawnSync("which", [program]).status === 0;
const missing = ["xdg-mime", "xdg-open", "desktop-file-validate"].filter((program) => !has(program));
if (missing.length > 0) process.stdout.write(`skipped: links on a real desktop, since there is no ${missing.join()}\n`);

describe.skipIf(missing.length > 0 || !hasTmux)("on a desktop", () => {
  let house: House;
  let env: Record<string, string>;
  beforeAll(async () => {
    house = await House.open();
    await house.startHive("den", ["--model-file", BEE_TINY]);
    const home = join(house.home, "bee");
    mkdirSync(home);
    env = {
      // There is a screen, and no browser on it.
      DISPLAY: ":none",
      BROWSER: "no-browser",
      HOME: home,
      XDG_DATA_HOME: join(home, "data"),
      XDG_CONFIG_HOME: join(home, "config"),
      XDG_CURRENT_DESKTOP: "",
    };
  });
  afterAll(() => house.close());

  const desktop = (program: string, ...args: string[]) =>
    spawnSync(program, args, { encoding: "utf8", env: { PATH: process.env["PATH"], ...env } });
  const rbee = async (...args: string[]) => {
    const run = house.rbee(args, env);
    run.child.stdin.end();
    return run.ended();
  };
  const handler = (): string => desktop("xdg-mime", "query", "default", "x-scheme-handler/rbee").stdout.trim();

  const link = "rbee://install/worker?type=cpu-llm-worker&hive=den";

  test("a link that is clicked ends in a question, and nobody's click does anything once unregistered", async () => {
    expect(handler()).toBe("");
    expect(await rbee("links", "register")).toMatchObject({ code: 0 });
    const entry = join(env["XDG_DATA_HOME"] ?? "", "applications", "rbee-links.desktop");
    const { status, stdout } = desktop("desktop-file-validate", entry);
    expect({ status, stdout }).toEqual({ status: 0, stdout: "" });
    expect(handler()).toBe("rbee-links.desktop");
    const terminal = new Terminal(["xdg-open", link], {
      ...env,
      RBEE_HOME: house.home,
      RBEE_URL: house.url,
      RBEE_API_KEY: house.key,
    });
    try {
      await terminal.shows(/install engine +cpu-llm-worker\n[^]*Install cpu-llm-worker on den\? \[y\/N\]/);
      terminal.type("n", "Enter");
      await terminal.shows(/Nothing was done/);
    } finally {
      terminal.close();
    }
    expect((await house.client().list()).map(({ operation }) => operation)).not.toContain("worker_download");
    expect(await rbee("links", "unregister")).toMatchObject({ code: 0 });
    expect(existsSync(entry)).toBe(false);
    expect(desktop("xdg-open", link)).toMatchObject({ status: 3 });
  });
});
