import { limits } from "@rbee/contracts";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Closed } from "./line.ts";
import { ManualClock } from "./testing/manual-clock.ts";
import { MockQueen } from "./testing/mock-queen.ts";
import { webSocketDial } from "./ws-dial.ts";

let queen: MockQueen;
beforeEach(async () => {
  queen = await MockQueen.start();
});
afterEach(async () => queen.stop());

function dial(clock = new ManualClock(), url = queen.url, headers = {}) {
  const opened = Promise.withResolvers<void>();
  const closed = Promise.withResolvers<Closed>();
  let next = Promise.withResolvers<void>();
  const line = webSocketDial(clock)(
    { url: `${url.replace("http", "ws")}/v1/hives/connect`, headers },
    { opened: opened.resolve, message: () => next.resolve(), closed: closed.resolve },
  );
  const heard = async () => {
    next = Promise.withResolvers();
    await next.promise;
  };
  return { clock, line, opened: opened.promise, closed: closed.promise, heard };
}

test("[AGENT-14] a half-open line is found within a ping and its wait", async () => {
  const { clock, opened, closed } = dial();
  await opened;
  queen.mute = true;
  clock.advance(limits.link_ping_ms);
  clock.advance(limits.link_pong_ms);
  expect((await closed).code).toBe(1006);
  expect(clock.pending).toBe(0);
});

test("[AGENT-14] a line whose pings are answered stays", async () => {
  const { clock, line, opened, closed, heard } = dial();
  await opened;
  for (let round = 0; round < 3; round++) {
    const pinged = queen.pinged();
    clock.advance(limits.link_ping_ms);
    await pinged;
    // Whatever follows the pong on the line has arrived after it.
    const message = heard();
    queen.sayEverywhere("after the pong");
    await message;
  }
  line.close({ code: 1000, reason: "enough" });
  expect(await closed).toMatchObject({ code: 1000 });
});

test("an HTTP answer is told with its status, the queen's words and her clock", async () => {
  queen.refuse = () => ({ status: 401, headers: { "x-rbee-time": "1234" }, body: { detail: "no" } });
  expect(await dial().closed).toEqual({ code: 1006, status: 401, reason: "no", queen_time: 1234 });
});

test("nobody there is a broken line", async () => {
  expect((await dial(new ManualClock(), "http://127.0.0.1:9").closed).code).toBe(1006);
});

test("a peer that does not answer the close is dropped", async () => {
  const { clock, line, opened, closed } = dial();
  await opened;
  queen.freeze();
  line.close({ code: 1000, reason: "bye" });
  clock.advance(limits.stop_grace_ms);
  expect((await closed).code).toBe(1006);
});

test("[AGENT-12] a token that cannot be sent ends the line, not the agent", async () => {
  const { clock, closed } = dial(undefined, undefined, { authorization: "Bearer \u2028\n" });
  clock.advance(0);
  expect(await closed).toMatchObject({ status: 401 });
});
