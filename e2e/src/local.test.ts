import { readFileSync } from "node:fs";
import { join } from "node:path";
import { JobClient } from "@rbee/sdk";
import { afterAll, beforeAll, expect, test } from "vitest";
import { House } from "./house.ts";
import { freeze, thaw, workersOf } from "./process.ts";
import { endless, long } from "./prompts.ts";

/** A machine's own server, with no queen in reach. */

let house: House;
beforeAll(async () => {
  house = await House.open();
  // Where the keeper looks below its home.
  await house.startHive("hive");
  await house.killQueen();
});
afterAll(() => house.close());

/** A client of the agent that runs now. */
function local(): JobClient {
  const file = join(house.homeOf("hive"), "local.json");
  return new JobClient(JSON.parse(readFileSync(file, "utf8")) as { url: string; key: string });
}

const noQueen = { RBEE_URL: "", RBEE_API_KEY: "" };
async function rbee(...args: readonly string[]) {
  const run = house.rbee(["--hive", "local", ...args], noQueen);
  run.child.stdin.end();
  return run.ended();
}

test("the keeper finds it by itself: infer, models, workers, status, jobs", async () => {
  const infer = await rbee("infer", "--temperature", "0", "What do bees eat?");
  expect(infer).toMatchObject({ code: 0, out: expect.stringContaining("nectar") as string });
  expect((await rbee("models", "list")).out).toMatch(/bee-tiny +2\.2 MiB +ready +loaded/);
  expect((await rbee("workers", "ps")).out).toMatch(/worker-hive-\d+ +bee-tiny/);
  expect((await rbee("status")).out).toMatch(/^hive +connected/m);
  expect((await rbee("jobs", "list")).out).toMatch(/job_\w{26} +infer +succeeded/);
  const spawn = await rbee("workers", "spawn", "bee-tiny", "--slots", "1", "--json");
  const { worker_id } = JSON.parse(spawn.out) as { worker_id: string };
  expect(await rbee("workers", "stop", worker_id)).toMatchObject({ code: 0 });
});

test("the self-test says that the queen is away, and that the rest is well", async () => {
  const { out, code } = await rbee("hives", "check", "--json");
  const { checks } = JSON.parse(out) as { checks: { name: string; ok: boolean }[] };
  expect(code).toBe(5);
  expect(checks.filter(({ ok }) => !ok).map(({ name }) => name)).toEqual(["clock", "queen"]);
});

test("what only a queen can do is refused, with the way to go", async () => {
  expect(await rbee("hives", "token")).toMatchObject({
    code: 2,
    err: expect.stringContaining("only a queen") as string,
  });
  const elsewhere = local().run("model_list", { hive_id: "attic" });
  await expect(elsewhere).rejects.toMatchObject({ code: "hive_not_found" });
});

test("Ctrl-C stops the engine", async () => {
  const run = house.rbee(
    [
      "--hive",
      "local",
      "infer",
      "--messages",
      JSON.stringify([{ role: "user", content: "List bees" }]),
      "--response-format",
      JSON.stringify(endless.response_format),
      "--max-tokens",
      "4096",
    ],
    noQueen,
  );
  await run.printed("[");
  // Frozen: it is not through with its answer before somebody has looked.
  const engines = workersOf(house.hive("hive").pid);
  freeze(engines);
  const { out } = await rbee("workers", "list").finally(() => thaw(engines));
  run.child.kill("SIGINT");
  expect(out).toMatch(/ready +1 of 4 busy/);
  expect((await run.ended()).code).toBe(130);
  const last = (await local().list()).find(({ operation }) => operation === "infer");
  expect(last).toMatchObject({ state: "cancelled" });
});

test("[LOCAL-3] kill -9 of the agent in mid-stream: the next one goes on, no token lost or doubled", async () => {
  await local().run("infer", long);
  const expected = (await local().run("infer", long)).text;
  const job = await local().start("infer", long);
  let text = "";
  let last = "";
  for await (const { event, position } of job.events()) {
    last = position;
    if (event.type !== "token") continue;
    text += event.text;
    break;
  }
  await house.hive("hive").kill("SIGKILL");
  await house.startHive("hive", undefined, { until: "local" });
  for await (const { event } of local().stream(job.id, { after: last })) {
    if (event.type === "token") text += event.text;
    if (event.type === "result") expect(event.result["text"]).toBe(expected);
  }
  expect(text).toBe(expected);
});

test("no agent: an error that says what to do", async () => {
  await house.hive("hive").kill("SIGTERM");
  expect(await rbee("status")).toMatchObject({ code: 5, err: expect.stringContaining("rbee up") as string });
});
