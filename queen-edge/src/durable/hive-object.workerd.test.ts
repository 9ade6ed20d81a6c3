import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { closes, limits } from "@rbee/contracts";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { anInventory } from "../testing/fleets.ts";
import { run, submit, view } from "../testing/queen-client.ts";
import { TestHive } from "../testing/test-hive.ts";
import type { HiveObject } from "./hive-object.ts";

let hive: TestHive;
let hives = 0;

beforeEach(async () => {
  hive = await TestHive.enrol(`closing-${++hives}`);
  await hive.connect();
});

const stub = () => env.HIVE.getByName(`main/${hive.hive_id}`);

/** Does something inside the object. @returns a mark that lives as long as the object does */
const inside = (act: (object: HiveObject, socket: WebSocket) => Promise<void> | void): Promise<HiveObject> =>
  runInDurableObject(stub(), async (object, ctx) => {
    const [socket] = ctx.getWebSockets();
    if (socket === undefined) throw new Error("there is no socket");
    await act(object, socket);
    return object;
  });

const session = async (): Promise<number> => (await stub().presence()).session;

const hello = (): string =>
  JSON.stringify({ t: "hello", version: 2, instance_id: "instance-2", inventory: anInventory(), jobs: [] });

describe("[HIVE-1] on a socket that is no longer open", () => {
  test("a hello that comes late does not take over from the line that counts", async () => {
    const before = await session();
    const { webSocket: late } = await hive.dial();
    late?.accept();
    const answered = await runInDurableObject(stub(), async (object, ctx) => {
      const isNew = (ws: WebSocket) => (ws.deserializeAttachment() as { session: number }).session === 0;
      const socket = ctx.getWebSockets().find(isNew);
      if (socket === undefined) throw new Error("there is no new socket");
      socket.close(closes.superseded.code, closes.superseded.reason);
      await object.webSocketMessage(socket, hello());
      return object.deliver({ colony: "main", hive_id: hive.hive_id }, "{}");
    });
    expect(answered).toBe(before);
    expect(await session()).toBe(before);
  });

  test("the answer to first words is not sent, whoever closed it meanwhile", async () => {
    const id = await submit({ operation: "infer", model: "bee", prompt: "Hello", hive_id: hive.hive_id });
    const { job_id, term } = await hive.op();
    const frames = [{ t: "ev", first: 1, items: ["a"] }];
    await inside(async (object, socket) => {
      const said = object.webSocketMessage(socket, JSON.stringify({ t: "prelude", job_id, term, frames }));
      socket.close(closes.shutdown.code, closes.shutdown.reason);
      await said;
    });
    expect(await view(id)).toMatchObject({ state: "running" });
  });

  test("an operation is not delivered, which the job is told", async () => {
    await inside(async (object, socket) => {
      socket.close(closes.shutdown.code, closes.shutdown.reason);
      expect(await object.deliver({ colony: "main", hive_id: hive.hive_id }, "{}")).toBeUndefined();
      // Closed twice, as by a hive that joins again just then.
      await object.enrolled(1);
    });
    const { hive: seen } = await run<{ hive: { connected: boolean } }>({
      operation: "hive_get",
      hive_id: hive.hive_id,
    });
    expect(seen.connected).toBe(false);
  });
});

test("[HIVE-1] a hello that was long under way closes no line that was dialled later: its own hello is yet to come", async () => {
  const [slow, next] = [await hive.dial(), await hive.dial()];
  const closed: number[] = [];
  next.webSocket?.addEventListener("close", ({ code }) => closed.push(code));
  for (const { webSocket } of [slow, next]) webSocket?.accept();
  const open = await runInDurableObject(stub(), async (object, ctx) => {
    const dials = () => ctx.getWebSockets().map((ws) => ws.deserializeAttachment() as { dial: number });
    const [, second, last] = dials().toSorted((a, b) => a.dial - b.dial);
    const of = (dial?: number) =>
      ctx.getWebSockets().find((ws) => (ws.deserializeAttachment() as { dial: number }).dial === dial);
    await object.webSocketMessage(of(second?.dial) as WebSocket, hello());
    return of(last?.dial)?.readyState === WebSocket.OPEN;
  });
  expect(open).toBe(true);
  expect(closed).toEqual([]);
});

test("[HIVE-1] a hello that comes again on its line is no news, and costs no job", async () => {
  const { id, lane } = await hive.start();
  const before = await session();
  lane.send({ t: "ev", first: 1, items: ["a"] });
  expect(await lane.next()).toMatchObject({ t: "ack", acked: 1 });
  await inside((object, socket) => object.webSocketMessage(socket, hello()));
  expect(await session()).toBe(before);
  await lane.end(1, { status: "succeeded", result: {} });
  expect(await view(id)).toMatchObject({ state: "succeeded" });
});

test("a hive that only seems silent to whoever looks is hung up on: else nobody would hear that it is there", async () => {
  const [state, connected] = await runInDurableObject(stub(), async (object, ctx) => {
    const [socket] = ctx.getWebSockets();
    const longAgo = new Date(Date.now() - limits.control_stale_ms - 1);
    const pinged = vi.spyOn(ctx, "getWebSocketAutoResponseTimestamp").mockReturnValue(longAgo);
    const seen = await object.presence();
    pinged.mockRestore();
    return [socket?.readyState, seen.connected];
  });
  expect(connected).toBe(false);
  expect(state).not.toBe(WebSocket.OPEN);
  await hive.connect();
  expect(await stub().presence()).toMatchObject({ connected: true });
});
