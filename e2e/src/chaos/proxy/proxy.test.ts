import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import type { FrameFault } from "./faults.ts";
import { ChaosProxy } from "./proxy.ts";

/** A real server that hears and a real client that says, with the proxy between them. */
let server: WebSocketServer;
let proxy: ChaosProxy;
let heard: string[];
beforeEach(async () => {
  heard = [];
  server = new WebSocketServer({ host: "127.0.0.1", port: 0, perMessageDeflate: false });
  await once(server, "listening");
  server.on("connection", (socket) => {
    socket.on("message", (data) => {
      const text = (data as Buffer).toString();
      heard.push(text);
      if (text === "last") socket.close(1000);
    });
  });
  proxy = await ChaosProxy.to((server.address() as AddressInfo).port);
});
afterEach(() => {
  proxy.close();
  server.close();
});

async function say(texts: readonly string[], path = "/v1/lanes/job"): Promise<void> {
  const socket = new WebSocket(`ws://127.0.0.1:${proxy.port}${path}`, { perMessageDeflate: false });
  await once(socket, "open");
  for (const text of texts) socket.send(text);
  await once(socket, "close");
}

/** The fault happens to the second message. */
function once2nd(fault: FrameFault): void {
  let n = 0;
  proxy.dice = () => (++n === 2 ? fault : undefined);
}

const big = "漢".repeat(40_000);

test("messages of any length go through as they are", async () => {
  await say(["{1}", big, "", "x".repeat(200), "last"]);
  expect(heard).toEqual(["{1}", big, "", "x".repeat(200), "last"]);
});

test.each<[FrameFault, string[]]>([
  ["drop", ["{1}", "{3}", "last"]],
  ["duplicate", ["{1}", "{2}", "{2}", "{3}", "last"]],
  ["delay", ["{1}", "{2}", "{3}", "last"]],
  ["reorder", ["{1}", "{3}", "{2}", "last"]],
  ["truncate", ["{1}", "{", "{3}", "last"]],
  ["garble", ["{1}", "}2{", "{3}", "last"]],
  ["replay", ["{1}", "{1}", "{2}", "{3}", "last"]],
])("%s", async (fault, expected) => {
  once2nd(fault);
  await say(["{1}", "{2}", "{3}", "last"]);
  expect(heard).toEqual(expected);
  expect(proxy.met[fault]).toBe(1);
});

test.each([
  ["/v1/lanes/job", ["last", "last", "last"]],
  ["/v1/hives/connect", ["last", "last"]],
])("of earlier connections of %s a replay brings back %j", async (path, expected) => {
  once2nd("replay");
  await say(["last"], path);
  await say(["last"], path);
  expect(heard).toEqual(expected);
});

test("what is not a WebSocket goes through as it is", async () => {
  const plain = createServer((request, response) => request.pipe(response)).listen(0, "127.0.0.1");
  await once(plain, "listening");
  const way = await ChaosProxy.to((plain.address() as AddressInfo).port);
  const response = await fetch(`http://127.0.0.1:${way.port}/`, { method: "POST", body: big });
  expect(await response.text()).toBe(big);
  way.close();
  plain.close();
  plain.closeAllConnections();
});
