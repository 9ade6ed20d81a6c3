import { once } from "node:events";
import { connect } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { encode, textFrame } from "./proxy/codec.ts";
import type { Link } from "./proxy/link.ts";
import { Watched } from "./watched.ts";
import { inTime, World } from "./world.ts";

let world: World;
beforeAll(async () => {
  world = await World.open();
  await world.startHive("ant");
});
afterAll(async () => expect(await world.close()).toEqual([]));

/** Sends what an agent once sent, byte for byte, on a connection of its own. @returns the status of the answer */
async function replay(link: Link, frames: readonly string[]): Promise<number> {
  const { port } = new URL(world.house.url);
  const socket = connect(Number(port), "127.0.0.1");
  socket.on("error", () => undefined);
  socket.write(link.request ?? "");
  const [head] = (await inTime(once(socket, "data"), "the queen does not answer")) as [Buffer];
  for (const text of frames) socket.write(encode(textFrame(text, true)));
  const status = Number(head.toString("latin1").split(" ")[1]);
  socket.destroy();
  return status;
}

test("an old lane's session is refused when its job is over", async () => {
  const job = await Watched.start(world, { tokens: 100, every: 20, hive: "ant" });
  await job.more(5);
  const [lane] = world.proxy.links("lane");
  if (lane === undefined) throw new Error("there is no lane");
  expect(await job.judged()).toEqual([]);
  const log = await job.log();
  const said = lane.said();
  expect(said.join("")).toContain("lane_hello");
  expect(await replay(lane, said)).toBe(410);
  expect(await job.log()).toEqual(log);
});

test("an old control session is refused, and the agent's own is not disturbed", async () => {
  const [control] = world.proxy.links("control");
  if (control === undefined) throw new Error("the agent is not connected");
  const said = control.said();
  expect(said.join("")).toContain('"hello"');
  const job = await Watched.start(world, { tokens: 100, every: 20, hive: "ant" });
  await job.more(5);
  const status = await replay(control, said);
  expect(status).not.toBe(101);
  expect(await job.judged()).toEqual([]);
  expect(world.proxy.links("control")).toEqual([control]);
  const { running } = await world.house.client().run("hive_status", { hive_id: "ant" });
  expect(running).toBe(true);
});
