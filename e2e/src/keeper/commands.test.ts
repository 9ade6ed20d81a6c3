import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startHub, type TestHub } from "../../../hive-agent/src/models/testing/hub.ts";
import { commandNames } from "../../../keeper-cli/src/reference.ts";
import { BEE_TINY, House } from "../house.ts";
import { cases } from "./cases.ts";

/** Every command of the keeper, run against a real queen, hive, engine and model. */

let house: House;
let hub: TestHub;
/** Behind the tensors: the hub's file is not the very one that the hive has. */
const OTHERS = Buffer.alloc(32);
/** What the commands so far have said. */
const said: Record<string, string> = {};
beforeAll(async () => {
  hub = await startHub();
  hub.addRepo("org/bees", { "bees.Q4_K_M.gguf": Buffer.concat([readFileSync(BEE_TINY), OTHERS]) }, { licence: "mit" });
  house = await House.open({ HF_ENDPOINT: hub.url });
  await house.startHive("den", ["--model-file", BEE_TINY]);
  Object.assign(said, { url: house.url, key: house.key, home: house.home });
});
afterAll(async () => {
  await house.close();
  await hub.close();
});

const filled = (text: string): string => text.replaceAll(/\{(\w+)\}/g, (_, name: string) => said[name] ?? `no ${name}`);
const escaped = (text: string): string => text.replaceAll(/[^\w]/g, String.raw`\$&`);
const pattern = ({ source, flags }: RegExp): RegExp =>
  new RegExp(
    source.replaceAll(/\\\{(\w+)\\\}/g, (_, name: string) => escaped(said[name] ?? `no ${name}`)),
    flags,
  );

test("every command has a case", () => {
  // It has no end, and files of its own: start.test.ts and provision.test.ts.
  const elsewhere = ["up"];
  const without = commandNames().filter((name) => !cases.some(({ line }) => `${line} `.startsWith(`${name} `)));
  expect(without).toEqual(elsewhere);
});

test.each(cases)("rbee $line", async ({ line, reads, stdin = "", code: expected = 0, within_ms = 0, url = "" }) => {
  const latest = performance.now() + within_ms;
  let began: number;
  let printed: Awaited<ReturnType<typeof run>>;
  do {
    began = performance.now();
    printed = await run(line, { stdin, url });
  } while (printed.code !== expected && began < latest);
  expect(printed).toMatchObject({ code: expected });
  const words = printed.out === "" ? printed.err : printed.out;
  expect(words).toMatch(pattern(reads));
  Object.assign(said, pattern(reads).exec(words)?.groups);
});

async function run(line: string, { stdin, url }: { stdin: string; url: string }) {
  const XDG_DATA_HOME = join(house.home, ".local", "share");
  const XDG_CONFIG_HOME = join(house.home, ".config");
  const own = { HOME: house.home, XDG_DATA_HOME, XDG_CONFIG_HOME };
  const env = { RBEE_URL: url, RBEE_API_KEY: "", BROWSER: "true", ...own };
  const rbee = house.rbee(line.split(" ").map(filled), env);
  rbee.child.stdin.end(filled(stdin));
  const { out, err, code } = await rbee.ended();
  return { out, err, code };
}
