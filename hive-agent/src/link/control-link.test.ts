import { closes, limits, LINK_VERSION } from "@rbee/contracts";
import { beforeEach, describe, expect, test } from "vitest";
import { op } from "../jobs/testing.ts";
import { silentLog } from "../log.ts";
import { NodeSql } from "../storage/node-sql.ts";
import { HiveLink } from "./hive-link.ts";
import { FakeDial } from "./testing/fake-line.ts";
import { waits } from "./testing/feed.ts";
import { inventory } from "./testing/handlers.ts";
import { ManualClock } from "./testing/manual-clock.ts";

const MINUTE_MS = 60_000;

let clock: ManualClock;
let dial: FakeDial;
let link: HiveLink;
let seen: string[];
let told: string;
let version: string;

const kinds = () => dial.last.take().map(({ t }) => t);
const signedAt = () => Number(dial.last.request.headers["x-time"]);

function welcome(): void {
  dial.last.open();
  dial.last.say({ t: "welcome", session: 1 });
}

beforeEach(() => {
  clock = new ManualClock();
  dial = new FakeDial();
  seen = [];
  ({ version } = inventory);
  const options = {
    queen_url: "http://queen",
    dial: dial.dial,
    clock,
    log: silentLog,
    sql: new NodeSql(":memory:"),
    sync: () => undefined,
    boot: "boot",
    headers: (time: number) => ({ "x-time": String(time) }),
    handlers: waits,
    inventory: () => ({ ...inventory, version }),
  };
  link = new HiveLink(options, {
    connected: () => seen.push("connected"),
    disconnected: () => seen.push("disconnected"),
    refused: ({ code, message }) => {
      seen.push(code);
      told = message;
    },
  });
  link.start();
});

describe("control link", () => {
  test("[AGENT-16] says hello, and after the welcome only what is new", () => {
    welcome();
    expect(dial.last.take()).toMatchObject([{ t: "hello", version: LINK_VERSION, inventory, jobs: [] }, { t: "ping" }]);
    clock.advance(limits.inventory_settle_ms);
    expect(kinds()).toEqual([]);
    clock.advance(limits.control_ping_ms);
    expect(kinds()).toEqual(["ping"]);
  });

  test("[AGENT-16] tells what changed at once when something is to be said behind it, and once", () => {
    welcome();
    dial.last.take();
    version = "new";
    link.inventoryChanged();
    link.tellInventory();
    expect(dial.last.take()).toMatchObject([{ t: "inventory", inventory: { version: "new" } }]);
    clock.advance(limits.inventory_settle_ms);
    link.tellInventory();
    expect(kinds()).toEqual([]);
  });

  test("[AGENT-14] a queen that opens the socket and says nothing is dialled again", () => {
    dial.last.open();
    clock.advance(limits.connect_wait_ms);
    expect(dial.lines[0]?.state).toBe("terminated");
    clock.advance(MINUTE_MS);
    expect(dial.lines.length).toBeGreaterThan(1);
  });

  test("[AGENT-14] a close that says not to come back is final", () => {
    for (const [code, problem] of [
      [4401, "unauthorized"],
      [4403, "forbidden"],
      [4409, "unavailable"],
      [4426, "unsupported"],
    ] as const) {
      seen = [];
      link.redial();
      welcome();
      dial.last.break({ code });
      const dialled = dial.lines.length;
      clock.advance(MINUTE_MS);
      expect([...seen, dial.lines.length]).toEqual(["connected", "disconnected", problem, dialled]);
    }
  });

  test("[AGENT-14] an agent whose credential another one uses stays away, and says what to do", () => {
    welcome();
    dial.last.break(closes.superseded);
    expect(told).toContain("remove credential.json here and join with a new token");
  });

  test("[AGENT-14] a broken line is dialled anywhere in the first window, since a deploy breaks everybody's; a flapping one later", () => {
    clock.chance = 0.99;
    welcome();
    for (const lines of [2, 3]) {
      clock.advance(limits.reconnect_stable_ms);
      dial.last.break();
      expect(dial.lines.length).toBe(lines - 1);
      clock.advance(limits.reconnect_min_ms);
      expect(dial.lines.length).toBe(lines);
      welcome();
    }
    dial.last.break();
    clock.advance(limits.reconnect_min_ms);
    expect(dial.lines.length).toBe(3);
    clock.advance(limits.reconnect_min_ms);
    expect(dial.lines.length).toBe(4);
  });

  test("[AGENT-15] a corrected clock is tried at once, and kept", () => {
    dial.last.break();
    clock.advance(MINUTE_MS);
    const queen_time = clock.wall() + 3_600_000;
    const dialled = dial.lines.length;
    dial.last.break({ status: 401, queen_time });
    expect([dial.lines.length, signedAt()]).toEqual([dialled + 1, queen_time]);
    dial.last.break({ status: 401, queen_time: queen_time + 1_000 });
    expect(seen).toEqual(["unauthorized"]);
  });

  test("[AGENT-21] a drain is said again after a reconnect", () => {
    welcome();
    kinds();
    link.drain();
    expect(kinds()).toEqual(["drain"]);
    dial.last.break();
    clock.advance(MINUTE_MS);
    welcome();
    expect(kinds()).toEqual(["hello", "drain", "ping"]);
  });

  test("[AGENT-14] a welcome sends waiting lanes off at once", () => {
    welcome();
    const control = dial.last;
    control.say(op());
    clock.advance(limits.prelude_wait_ms);
    clock.chance = 0.9;
    dial.last.break();
    clock.chance = 0;
    control.break();
    expect(dial.last.request.url).toContain("/connect");
    const before = dial.lines.filter(({ request }) => request.url.includes("lanes")).length;
    welcome();
    expect(dial.lines.filter(({ request }) => request.url.includes("lanes")).length).toBe(before + 1);
  });

  test("the round trip is measured by ping and pong; a silent queen has none", async () => {
    welcome();
    dial.last.say("pong");
    const rtt = link.rtt();
    clock.advance(7);
    dial.last.say("pong");
    expect(await rtt).toBe(7);
    const silent = link.rtt();
    clock.advance(limits.link_pong_ms);
    expect(await silent).toBeUndefined();
    const lost = link.rtt();
    dial.last.break();
    expect(await lost).toBeUndefined();
  });
});
