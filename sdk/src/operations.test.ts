import { operationNames as tableNames, type Narration } from "@rbee/contracts";
import { canonical } from "../../contracts/src/synonyms.ts";
import { afterEach, describe, expect, expectTypeOf, test } from "vitest";
import { FakeQueen, generation, type Play } from "../test/fake-queen.ts";
import { HiveClient, OperationBuilder, RbeeClient, type Call, type EventOf } from "./index.ts";
import { pathOf, synonyms } from "./names.ts";
import { operationNames } from "./operation-names.ts";

let queen: FakeQueen | undefined;
afterEach(() => queen?.stop());

async function clientOf(plays: Record<string, Play>): Promise<RbeeClient> {
  queen = await new FakeQueen(plays).start();
  return new RbeeClient({ url: queen.url, key: queen.key });
}

const at = (client: object, path: readonly string[]): unknown =>
  path.reduce<unknown>((inner, name) => (inner as Record<string, unknown> | undefined)?.[name], client);

describe("names", () => {
  test("are the table's, each under the path that its name gives, and none twice", () => {
    expect(operationNames).toEqual(tableNames);
    const client = new RbeeClient({ url: "http://127.0.0.1:1" });
    const paths = [...tableNames, ...Object.keys(synonyms)].map(pathOf);
    for (const path of paths) expect(at(client, path), path.join(".")).toBeTypeOf("function");
    expect(new Set(paths.map((path) => path.join("."))).size).toBe(paths.length);
  });

  test("follow a rule, with a few nouns that do not", () => {
    expect(pathOf("model_download")).toEqual(["models", "download"]);
    expect(pathOf("worker_process_list")).toEqual(["workerProcesses", "list"]);
    expect(pathOf("hive_refresh_capabilities")).toEqual(["hives", "refreshCapabilities"]);
    expect(pathOf("infer")).toEqual(["infer"]);
  });

  test("a synonym means what the queen means by it", () => {
    for (const [name, operation] of Object.entries(synonyms)) expect(canonical(name, {}).operation).toBe(operation);
  });
});

describe("types", () => {
  const client = new RbeeClient({ url: "http://127.0.0.1:1" });

  test("input, progress and result are the row's", () => {
    expectTypeOf(client.models.download).parameter(0).toExtend<{ model: string; hive_id?: string | undefined }>();
    expectTypeOf(client.models.download).returns.toEqualTypeOf<Call<"model_download">>();
    expectTypeOf<Awaited<Call<"model_download">>["already_there"]>().toEqualTypeOf<boolean>();
    expectTypeOf<Awaited<ReturnType<typeof client.hives.list>>["hives"][number]["hive_id"]>().toEqualTypeOf<string>();
    expectTypeOf<Extract<EventOf<"hive_list">, { type: "narration" }>>().toEqualTypeOf<Narration>();
    expectTypeOf<Extract<EventOf<"hive_list">, { type: "token" }>>().toBeNever();
    expectTypeOf<Extract<EventOf<"infer">, { type: "result" }>["result"]["text"]>().toEqualTypeOf<string>();
    expectTypeOf(client.workers.list).returns.toEqualTypeOf<Call<"worker_process_list">>();
  });

  test("what the row does not take does not compile", () => {
    const never = (): void => {
      // @ts-expect-error -- no such field
      void client.models.download({ model: "org/repo", modell: "x" });
      // @ts-expect-error -- the model is missing
      void client.models.download({ hive_id: "den" });
      // @ts-expect-error -- a number is no model
      void client.infer({ model: 1, prompt: "Hello" });
      // @ts-expect-error -- no such operation
      void client.models.dance();
      // @ts-expect-error -- a hive alone is not enough
      OperationBuilder.infer("den");
      // @ts-expect-error -- no such field
      void client.submitAndStream({ operation: "model_list", hive: "den" }, () => undefined);
    };
    expect(never).toBeTypeOf("function");
  });
});

describe("a call", () => {
  const infer = { model: "bee", prompt: "Hello" };

  test("is awaited for its result", async () => {
    const client = await clientOf({ infer: () => generation(["a", "b"]) });
    expect((await client.infer(infer)).text).toBe("ab");
    expect(queen?.requests).toHaveLength(1);
  });

  test("is iterated over for what it says, and then has its result without asking again", async () => {
    const client = await clientOf({ infer: () => generation(["a", "b"]) });
    const call = client.infer(infer);
    const pieces: string[] = [];
    for await (const piece of call.text()) pieces.push(piece);
    expect(pieces).toEqual(["a", "b"]);
    expect((await call.result()).text).toBe("ab");
    expect(queen?.requests).toHaveLength(1);
    const types: string[] = [];
    for await (const { type } of client.infer(infer)) types.push(type);
    expect(types.filter((type) => type === "token")).toHaveLength(2);
    expect(types.at(-1)).toBe("result");
  });

  test("resumes after a cut, without losing or doubling a piece", async () => {
    const words = Array.from({ length: 50 }, (_, n) => `${n} `);
    const client = await clientOf({ infer: () => generation(words) });
    queen?.faults.cutAfterBytes.push(700, 900);
    const pieces: string[] = [];
    for await (const piece of client.infer(infer).text()) pieces.push(piece);
    expect(pieces).toEqual(words);
  });

  test("that fails throws what it failed with, from text too", async () => {
    const client = await clientOf({ infer: () => [] });
    await expect(client.hives.list().result()).rejects.toMatchObject({ code: "unknown_operation" });
    const call = client.hives.list();
    await expect(call.text().next()).rejects.toMatchObject({ code: "unknown_operation" });
  });

  const forever: Play = async function* (_input, signal) {
    yield { type: "token", text: "a" };
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
  };

  test("is cancelled by hand, by a signal, or when its time is over", async () => {
    const client = await clientOf({ infer: forever });
    const byHand = client.infer(infer);
    const cancelled = expect(byHand.result()).rejects.toMatchObject({ code: "cancelled" });
    await byHand.cancel();
    await cancelled;

    const stop = new AbortController();
    const aborted = client.infer(infer, { signal: stop.signal });
    const pieces = aborted.text();
    await pieces.next();
    stop.abort(new Error("enough"));
    await expect(pieces.next()).rejects.toThrow("enough");
    const id = await aborted.id;
    await queen?.seen(({ method, path }) => method === "DELETE" && path.endsWith(id));

    const late = client.infer(infer, { timeoutMs: 50 });
    await expect(late.result()).rejects.toMatchObject({ name: "TimeoutError" });
    const lateId = await late.id;
    await queen?.seen(({ method, path }) => method === "DELETE" && path.endsWith(lateId));
  });

  test("can be attached to from elsewhere", async () => {
    const client = await clientOf({ infer: () => generation(["a", "b"]) });
    const id = await client.infer(infer).id;
    expect((await client.attach<"infer">(id)).text).toBe("ab");
  });
});

test("operations are built by name, and streamed line by line", async () => {
  expect(OperationBuilder.modelList("den")).toEqual({ operation: "model_list", hive_id: "den" });
  expect(OperationBuilder.hiveList()).toEqual({ operation: "hive_list" });
  queen = await new FakeQueen({ model_list: () => [{ type: "result", result: { models: [] } }] }).start();
  const lines: string[] = [];
  await new HiveClient(queen.url, queen.key).submitAndStream(OperationBuilder.modelList("den"), (line) =>
    lines.push(line),
  );
  expect(lines.at(-1)).toBe("[DONE]");
  expect(queen.requests[0]?.body).toEqual({ operation: "model_list", hive_id: "den" });
});
