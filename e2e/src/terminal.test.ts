import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { startHub, type TestHub } from "../../hive-agent/src/models/testing/hub.ts";
import { BEE_TINY, House } from "./house.ts";
import { freeze, thaw, workersOf } from "./process.ts";
import { endless } from "./prompts.ts";
import { hasTmux, keeper, Terminal } from "./terminal.ts";

/** What people see: the keeper in a real terminal, over a real queen, hive and model. */

let house: House;
let hub: TestHub;
let terminal: Terminal | undefined;
beforeAll(async () => {
  hub = await startHub();
  const large = Buffer.concat([readFileSync(BEE_TINY), Buffer.alloc(4_000_000, 7)]);
  hub.addRepo("org/large", { "large.Q4_K_M.gguf": large });
  hub.addRepo("org/bees", { "bees.Q4_K_M.gguf": readFileSync(BEE_TINY) }, { licence: "mit" });
  process.env["HF_ENDPOINT"] = hub.url;
  house = await House.open();
  await house.startHive("den", ["--model-file", BEE_TINY, "--preload", "bee-tiny", "--slots", "1"]);
});
afterEach(() => {
  terminal?.close();
  terminal = undefined;
});
afterAll(async () => {
  await house.close();
  await hub.close();
  delete process.env["HF_ENDPOINT"];
});

const open = (
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  size?: { columns: number; rows: number },
): Terminal => {
  // CI is set as a pipeline sets it: what draws goes by the terminal alone.
  const own = { RBEE_HOME: house.home, RBEE_URL: house.url, RBEE_API_KEY: house.key, NO_COLOR: "1", CI: "true" };
  terminal = new Terminal([...keeper, ...args], { ...own, ...env }, size);
  return terminal;
};

test("queue, usage and top say the same in a pipe", async () => {
  const running = await house.client().start("infer", endless);
  for await (const { event } of running.events()) if (event.type === "token") break;
  // Frozen: it is not through with its answer before all have looked.
  const engines = workersOf(house.hive("den").pid);
  freeze(engines);
  const look = async () => {
    const waiting = await house.client().submit("infer", { ...endless, priority: "high" });
    const queue = await house.typed("queue");
    expect(queue).toMatchObject({
      code: 0,
      out: expect.stringMatching(`${waiting.job_id} +1 +bee-tiny .*high`) as string,
    });
    const top = await house.typed("top");
    expect(top.out).toMatch(/^rbee {2}1 of 1 hive, 1 worker, 1 running, 1 waiting/);
    expect(top.out).toMatch(/worker-den-\d+ +■ 1\/1/);
    await house.client().cancel(waiting.job_id);
  };
  await look().finally(() => thaw(engines));
  await running.cancel();
  expect((await house.typed("queue")).out).toBe("Nothing waits.\n");
  expect((await house.typed("usage", "--by", "model")).out).toMatch(/^model +units.*\nbee-tiny +\d/);
});

describe.skipIf(!hasTmux)("in a terminal", () => {
  test("top draws into 80x24, follows a new size, and gives the terminal back", async () => {
    const top = open(["top"]);
    const screen = await top.shows(/worker-den-\d+/);
    expect(screen).toMatch(/^rbee {2}1 of 1 hive/);
    expect(screen.trimEnd().split("\n")).toHaveLength(24);
    top.resize(50, 14);
    await top.shows(/^(?:.*\n){13}q quits/);
    const job = await house.client().start("infer", endless);
    await top.shows(/1 running/);
    await job.cancel();
    await house.killQueen();
    await top.shows(/The queen does not answer: /);
    await house.startQueen();
    await top.shows(/^rbee {2}1 of 1 hive[^]*q quits/);
    top.type("q");
    expect(await top.shows(/CODE/)).toMatch(/^CODE 0\n/);
    // Whoever looks leaves nothing in the history.
    expect((await house.client().list()).map(({ operation }) => operation)).not.toContain("status");
  });

  test("an answer streams between whole words; Ctrl-C cancels its job", async () => {
    const infer = open(["infer", "--model", "bee-tiny", "--temperature", "0", "What do bees eat?"]);
    expect(await infer.shows(/CODE 0/)).toMatch(/^Bees eat nectar[^]*\d+ tokens.* bee-tiny on den\nCODE/);
    infer.close();
    const schema = JSON.stringify(endless.response_format);
    const stopped = open(["infer", "-m", "bee-tiny", "--max-tokens", "4096", "--response-format", schema, "List bees"]);
    await stopped.shows(/^\[/);
    stopped.type("C-c");
    const [, id = ""] = /Cancelled (job_\w+) on den\nCODE 130/.exec(await stopped.shows(/CODE/)) ?? [];
    expect(await house.client().get(id)).toMatchObject({ state: "cancelled" });
  });

  test("a chat answers, and Ctrl-D leaves it", async () => {
    const chat = open(["chat", "--model", "bee-tiny"]);
    await chat.shows(/› *$/m);
    chat.type("What do bees eat?", "Enter");
    await chat.shows(/nectar[^]*\n› *$/m);
    chat.type("C-d");
    await chat.shows(/CODE 0/);
  });

  test("a download draws a bar that fits; Ctrl-C cancels it, and the same command goes on from there", async () => {
    const before = hub.sent;
    hub.onPiece = (sent) => (sent - before > 1_000_000 ? new Promise(() => undefined) : undefined);
    const pull = open(["models", "pull", "org/large", "--hive", "den"]);
    const screen = await pull.shows(/━+╌+ \d+ %/);
    expect(screen.trimEnd().split("\n")).toHaveLength(1);
    pull.type("C-c");
    expect(await pull.shows(/CODE/)).toMatch(/Cancelled job_\w+ on den\nThe part that came is kept[^]*\nCODE 130/);
    pull.close();
    hub.onPiece = undefined;
    const asked = hub.requests.length;
    await open(["models", "pull", "org/large", "--hive", "den"]).shows(/org\/large:Q4_K_M is ready[^]*CODE 0/);
    const ranges = hub.requests.slice(asked).flatMap(({ range }) => range ?? []);
    expect(ranges.filter((range) => range.startsWith("bytes=0-"))).toEqual([]);
  });

  test.each([40, 80])("tables fit %i columns: no line is broken", async (columns) => {
    const screen = await open(["status"], {}, { columns, rows: 24 }).shows(/CODE 0/);
    expect(screen).toMatch(
      /^hive +state.*\nden +conn.*\n\nworker .*\nworker-den-\d+ .*\n\nNothing waits, 0 running\.\nCODE/,
    );
  });

  test("login does not show the key, and says whether it is good", async () => {
    const login = open(["login", house.url, "--name", "here"], { RBEE_URL: "", RBEE_API_KEY: "" });
    await login.shows(/Key:/);
    login.type(house.key, "Enter");
    const screen = await login.shows(/CODE/);
    expect(screen.replaceAll("\n", "")).toContain("as context here");
    expect(screen.replaceAll("\n", "")).not.toContain(house.key);
    expect(readFileSync(join(house.home, "contexts.json"), "utf8")).toContain(house.key);
  });

  test("a link shows what it asks for; nothing happens before yes", async () => {
    const jobs = async () => (await house.client().list()).map(({ operation }) => operation);
    const asked = open(["links", "open", "--terminal", "rbee://install/model?id=org/bees"]);
    await asked.shows(/Where\?/);
    expect(asked.screen).toMatch(
      `run model  org/bees\nfrom       ${hub.url}/org/bees\nsize       2.2 MiB\nlicence    mit`,
    );
    asked.type("Enter");
    await asked.shows(/load it there\?/);
    asked.type("n", "Enter");
    await asked.shows(/Nothing was done\nCODE 130/);
    expect(await jobs()).not.toContain("model_run");
    asked.close();
    const again = open(["links", "open", "--terminal", "rbee://model?id=org/bees"]);
    await again.shows(/Where\?/);
    again.type("1", "Enter");
    await again.shows(/load it there\?/);
    again.type("y", "Enter");
    expect(await again.shows(/CODE/)).toMatch(/is ready on cpu of den/);
    expect((await jobs()).filter((operation) => operation === "model_run")).toHaveLength(1);
  });
});

test("a link that is none of ours is refused before anybody is asked", async () => {
  for (const link of ["rbee://model?id=../x", "https://evil.example", "rbee://delete/model?id=org/x"])
    expect((await house.typed("links", "open", link)).code).toBe(2);
});
