import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { startHub, type TestHub } from "../../../hive-agent/src/models/testing/hub.ts";
import { BEE_TINY, House } from "../house.ts";
import { hasTmux, keeper, Terminal } from "../terminal.ts";

/** What Tab does, in real shells. PowerShell's script is its library's, and nobody has tried it. */

/** How a shell is started with nothing of the person's, and how it reads the script. */
const shells = {
  bash: { start: ["bash", "--norc", "--noprofile", "-i"], load: "source rbee.bash" },
  zsh: { start: ["zsh", "-f", "-i"], load: "autoload -Uz compinit; compinit -u -D; source rbee.zsh" },
  fish: { start: ["fish", "--no-config", "-i"], load: "source rbee.fish" },
} as const;

let house: House;
let hub: TestHub;
let terminal: Terminal | undefined;
beforeAll(async () => {
  hub = await startHub();
  hub.addRepo("org/bees", { "bees.Q4_K_M.gguf": readFileSync(BEE_TINY) });
  house = await House.open({ HF_ENDPOINT: hub.url });
  await house.startHive("den", ["--model-file", BEE_TINY]);
  await house.client().run("model_download", { hive_id: "den", model: "org/bees" });
  const bin = join(house.home, "bin");
  mkdirSync(bin);
  writeFileSync(join(bin, "rbee"), `#!/bin/sh\nexec ${keeper.map((word) => `'${word}'`).join(" ")} "$@"\n`, {
    mode: 0o755,
  });
});
afterEach(() => {
  terminal?.close();
  terminal = undefined;
});
afterAll(async () => {
  await house.close();
  await hub.close();
});

const missing = (shell: string): string | undefined => {
  if (!hasTmux) return "tmux";
  return spawnSync("which", [shell]).status === 0 ? undefined : shell;
};

describe.each(Object.entries(shells))("%s", (shell, { start, load }) => {
  const lacks = missing(shell);
  if (lacks !== undefined) process.stdout.write(`skipped: what Tab does in ${shell}, since there is no ${lacks}\n`);

  test.skipIf(lacks !== undefined)("completes commands, flags, and what the queen has", async () => {
    const { out } = await house.typed("completion", shell);
    writeFileSync(join(house.home, `rbee.${shell}`), out);
    const PATH = `${join(house.home, "bin")}:${process.env["PATH"]}`;
    const env = {
      RBEE_HOME: house.home,
      RBEE_URL: house.url,
      RBEE_API_KEY: house.key,
      HOME: house.home,
      PATH,
      PS1: "$ ",
    };
    terminal = new Terminal([...start], env, { columns: 100, folder: house.home });
    const shown = terminal;
    shown.type(`${load}; echo LOA''DED`, "Enter");
    await shown.shows(/LOADED/);
    for (const [typed, completed] of [
      ["rbee work", /rbee workers/],
      ["rbee infer --max-t", /rbee infer --max-tokens/],
      ["rbee hives get d", /rbee hives get den/],
      ["rbee models get be", /rbee models get bee-tiny/],
      ["rbee models get org/", /rbee models get org\/bees:Q4_K_M/],
      ["rbee models get org/bees:Q", /rbee models get org\/bees:Q4_K_M(?!.*Q4)/],
    ] as const) {
      shown.type("C-l");
      shown.type(typed);
      await shown.shows(RegExp(typed));
      shown.type("Tab");
      await shown.shows(completed);
      shown.type("C-u");
    }
    // What is typed before is not run to complete what comes behind.
    shown.type("rbee infer $(touch run) --max-t", "Tab", "C-u", `echo DO''NE`, "Enter");
    await shown.shows(/DONE/);
    expect(existsSync(join(house.home, "run"))).toBe(false);
  });
});
