import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { changesOf, mutants } from "./mutants/mutants.ts";
import { mutate } from "./mutants/register.ts";
import { runWorld, withWorlds } from "./run/one.ts";
import { generate } from "./scenario/generate.ts";
import { regressionText } from "./run/trace-seed.ts";
import type { Scenario } from "./scenario/scenario.ts";

const SEEDS = 2_000;
/** Not those that `npm run sim` begins with. */
const FROM = 1_000_000_001;
/** Two seconds when nothing else runs. */
const WORLDS_MS = 120_000;

test(`the protocol holds in ${SEEDS} worlds`, { timeout: WORLDS_MS }, async () => {
  await withWorlds(() => {
    for (let seed = FROM; seed < FROM + SEEDS; seed++)
      expect(runWorld(generate(seed)).failure, `seed ${seed}: npm run sim -- --seed ${seed}`).toBeUndefined();
  });
});

test("a seed fixes everything: the same seed, the same trace", async () => {
  const traceOf = (seed: number) =>
    withWorlds(() => {
      const hash = createHash("sha256");
      let lines = 0;
      runWorld(generate(seed), (line) => {
        hash.update(line);
        lines++;
      });
      return `${lines} ${hash.digest("hex")}`;
    });
  for (let seed = FROM; seed < FROM + 30; seed++) {
    const first = await traceOf(seed);
    expect(Number(first.split(" ")[0])).toBeGreaterThan(5);
    expect(await traceOf(seed)).toBe(first);
  }
});

const regressions = fileURLToPath(new URL("regressions/", import.meta.url));

test.each(readdirSync(regressions).filter((name) => name.endsWith(".json")))(
  "what broke once holds: %s",
  async (name) => {
    const scenario = JSON.parse(readFileSync(`${regressions}${name}`, "utf8")) as Scenario;
    expect((await withWorlds(() => runWorld(scenario))).failure).toBeUndefined();
  },
);

test("a failing seed is kept as the project's formatter wants it", async () => {
  const folder = mkdtempSync(join(tmpdir(), "rbee-sim-"));
  const scenarios = await withWorlds(() => Array.from({ length: 20 }, (_, n) => generate(FROM + n)));
  for (const [n, scenario] of scenarios.entries())
    writeFileSync(join(folder, `${n}.json`), await regressionText(scenario));
  const root = fileURLToPath(new URL("../../", import.meta.url));
  const check = ["node_modules/oxfmt/bin/oxfmt", "--config", ".oxfmtrc.json", "--check", folder];
  const { status, stdout, stderr } = spawnSync(process.execPath, check, { cwd: root, encoding: "utf8" });
  expect({ status, stdout, stderr }).toMatchObject({ status: 0 });
});

const main = fileURLToPath(new URL("main.ts", import.meta.url));
const sim = (...args: string[]) =>
  spawnSync(process.execPath, ["--disable-warning=ExperimentalWarning", main, ...args], { encoding: "utf8" });

test("the last line of a run says how many seeds failed", () => {
  const { stdout, status } = sim("--seeds", "50");
  expect([stdout.trim().split("\n").at(-1), status]).toEqual(["seeds 50 failures 0", 0]);
});

test("whoever asks for what is not there is told what is", () => {
  expect(sim("--help")).toMatchObject({ status: 0, stderr: "", stdout: expect.stringMatching(/^usage: /) });
  for (const [args, why] of [
    [["--sed", "5"], "Unknown option '--sed'"],
    [["--seeds", "many"], '--seeds: a whole number above 0, not "many"'],
    [["--mutants", "--only", "mistyped"], "there is no mutant mistyped"],
  ] as const) {
    const { status, stderr, stdout } = sim(...args);
    expect([status, stdout, stderr.split("\n")[0]]).toEqual([2, "", why]);
  }
});

/** Mutants that the first few seeds find. */
const DOOMED = ["ack-before-durable", "no-dedupe", "slot-not-freed"];
test("every mutant still has its place in the code", () => {
  for (const change of mutants.flatMap(changesOf))
    expect(() => mutate(readFileSync(change.file, "utf8"), change), change.original).not.toThrow();
});

/** Two threads for each of them, one after the other. */
const MUTANTS_MS = 120_000;

test("a broken protocol is found: three mutants die", { timeout: MUTANTS_MS }, () => {
  const { stdout, status } = sim("--mutants", ...DOOMED.flatMap((id) => ["--only", id]));
  expect([stdout.trim().split("\n").at(-1), status]).toEqual(["mutants 3 killed 3 score 100 %", 0]);
});
