import { copyFileSync, mkdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { BEE_TINY, House } from "./house.ts";

let house: House;
beforeAll(async () => {
  house = await House.open();
  const models = join(house.home, "models");
  mkdirSync(models);
  copyFileSync(BEE_TINY, join(models, "good.gguf"));
  copyFileSync(BEE_TINY, join(models, "truncated.gguf"));
  truncateSync(join(models, "truncated.gguf"), 900_000);
  writeFileSync(join(models, "garbage.gguf"), "GGUF".repeat(10_000));
  // Right in every header, wrong where only the engine looks: an architecture that it does not know.
  const odd = readFileSync(BEE_TINY);
  const at = odd.indexOf("llama", odd.indexOf("general.architecture"));
  odd.write("xxxxx", at, "latin1");
  writeFileSync(join(models, "odd.gguf"), odd);
  await house.startHive("den", ["--models", models]);
});
afterAll(() => house.close());

test.each(["truncated", "garbage", "odd"])(
  "a %s file fails the job with the reason, and the agent lives on",
  async (model) => {
    const run = house.client().run("infer", { model, prompt: "Hello!" });
    await expect(run).rejects.toMatchObject({
      code: expect.stringMatching(/^model_(invalid|load_failed|not_found)$/) as string,
    });
    const { running } = await house.client().run("hive_status", { hive_id: "den" });
    expect(running).toBe(true);
  },
);

test("a model that is on the disk is loaded when it is first asked for, and the stream says so", async () => {
  const said: string[] = [];
  const result = await house
    .client()
    .run(
      "infer",
      { model: "good", prompt: "Hello!", temperature: 0 },
      { onEvent: (event) => event.type === "narration" && said.push(event.human) },
    );
  expect(result.text).toContain("demo model");
  expect(said.join("\n")).toMatch(/[Ll]oad/);
});

test("workers are started and stopped by hand, and nothing but our own is ever stopped", async () => {
  const client = house.client();
  const [a, b] = await Promise.all([
    client.run("worker_spawn", { hive_id: "den", model: "good", slots: 1 }),
    client.run("worker_spawn", { hive_id: "den", model: "good", slots: 2 }),
  ]);
  expect(a.port).not.toBe(b.port);
  await expect(client.run("worker_process_delete", { hive_id: "den", pid: process.pid })).rejects.toMatchObject({
    code: "worker_not_found",
  });
  for (const { pid } of [a, b]) await client.run("worker_process_delete", { hive_id: "den", pid });
  const { workers } = await client.run("worker_process_list", { hive_id: "den" });
  expect(workers.map(({ pid }) => pid)).not.toContain(a.pid);
});
