import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Watched } from "./watched.ts";
import { World } from "./world.ts";

let world: World;
beforeAll(async () => {
  world = await World.open();
  await world.startHive("ant");
});
afterAll(async () => expect(await world.close()).toEqual([]));

async function bytesOf(job: Watched): Promise<string> {
  const url = `${world.house.url}/v1/jobs/${job.job_id}/stream?format=json`;
  const response = await fetch(url, { headers: { authorization: `Bearer ${world.house.key}` } });
  // Comments keep the connection alive and come by the clock.
  return (await response.text()).replaceAll(": keep-alive\n\n", "");
}

/** Five hundred readers keep two cores busy for long. */
const CROWD_MS = 200_000;

test("500 readers of one job receive the same bytes", { timeout: 240_000 }, async () => {
  const job = await Watched.start(world, { tokens: 400, every: 20, over_ms: CROWD_MS });
  const reading = Array.from({ length: 500 }, () => bytesOf(job));
  const received = await Promise.all(reading);
  expect(await job.judged()).toEqual([]);
  const whole = await bytesOf(job);
  expect(new Set(received)).toEqual(new Set([whole]));
  expect(whole.endsWith("data: [DONE]\n\n")).toBe(true);
});

/** Asks for the stream and never takes a byte of it. */
async function neverReading(job: Watched): Promise<Socket> {
  const { port } = new URL(world.house.url);
  const socket = connect(Number(port), "127.0.0.1");
  await once(socket, "connect");
  socket.pause().on("error", () => undefined);
  socket.write(
    `GET /v1/jobs/${job.job_id}/stream HTTP/1.1\r\nhost: queen\r\nauthorization: Bearer ${world.house.key}\r\n\r\n`,
  );
  return socket;
}

test("readers that never read hold up nobody", async () => {
  const job = await Watched.start(world, { tokens: 4_000, every: 1 });
  await job.more(1);
  const sockets = await Promise.all(Array.from({ length: 50 }, () => neverReading(job)));
  const reader = bytesOf(job);
  expect(await job.judged()).toEqual([]);
  expect(await reader).toBe(await bytesOf(job));
  for (const socket of sockets) socket.destroy();
});
