import { cloudflareTest } from "@cloudflare/vitest-plugin";
import { mkdirSync } from "node:fs";
import { defineConfig } from "vitest/config";
import { fileURLToPath } from "node:url";

// wrangler.toml names it; the queen's own tests do not need what will be in it.
mkdirSync(new URL("web-ui/dist", import.meta.url), { recursive: true });

const SECRETS = {
  RBEE_SECRET: "s".repeat(43),
  RBEE_API_KEY: `rbk_${"k".repeat(43)}`,
  RBEE_ORIGINS: "https://app.example",
};

/** However slow the machine: what has not come by then does not come. A shorter bound is one that is promised. */
const PATIENT = { testTimeout: 90_000, hookTimeout: 90_000, expect: { poll: { timeout: 20_000 } } };

export default defineConfig({
  test: {
    projects: [
      {
        // The simulator runs the queen's objects on a platform of its own.
        resolve: {
          alias: { "cloudflare:workers": fileURLToPath(new URL("sim/src/platform/workers.ts", import.meta.url)) },
        },
        test: {
          name: "node",
          include: ["*/src/**/*.test.ts"],
          exclude: ["**/*.workerd.test.ts", "e2e/**", "**/node_modules/**"],
          ...PATIENT,
        },
      },
      {
        plugins: [
          cloudflareTest({
            wrangler: { configPath: "./wrangler.toml" },
            miniflare: { bindings: SECRETS },
            // The runtime's chatter calls every connection that breaks an uncaught exception, those we break on purpose too.
            verbose: false,
          }),
        ],
        test: { name: "workerd", include: ["*/src/**/*.workerd.test.ts"], exclude: ["**/node_modules/**"], ...PATIENT },
      },
      {
        test: {
          name: "e2e",
          include: ["e2e/**/*.test.ts"],
          exclude: ["**/node_modules/**"],
          globalSetup: "e2e/src/setup.ts",
          // Real processes on two cores: one file at a time, so that none starves another.
          fileParallelism: false,
          ...PATIENT,
        },
      },
    ],
  },
});
