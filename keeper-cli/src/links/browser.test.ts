import { afterEach, expect, test, vi } from "vitest";
import { openInBrowser } from "./browser.ts";

afterEach(() => vi.unstubAllEnvs());

test.each([
  { program: "true", opened: true },
  { program: "false", opened: false },
  { program: "no-such-browser", opened: false },
  // Stays in front: the page is how long.
  { program: "sleep", opened: true },
])("a browser that is $program: opened $opened", async ({ program, opened }) => {
  vi.stubEnv("BROWSER", program);
  expect(await openInBrowser("3")).toBe(opened);
});
