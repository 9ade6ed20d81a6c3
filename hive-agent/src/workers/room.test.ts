import fc from "fast-check";
import { expect, test } from "vitest";
import { findRoom, type Resident, type Space } from "./room.ts";

const space = (device: string, free: number): Space => ({ device, kind: device.split(":")[0] ?? "", free });
const resident = (worker_id: string, over: Partial<Resident> = {}): Resident => ({
  worker_id,
  device: "cpu",
  bytes: 10,
  why: undefined,
  stays: false,
  used_at: 0,
  ...over,
});

const devices = ["cuda:0", "cuda:1", "cpu"] as const;
const aSpaces = fc.tuple(...devices.map((device) => fc.nat(30).map((free) => space(device, free))));
const aResidents = fc
  .array(
    fc.record({
      device: fc.constantFrom(...devices),
      bytes: fc.nat(20),
      why: fc.constantFrom(undefined, undefined, "busy", "starting", "pinned", "unserved", "draining"),
      used_at: fc.nat(50),
    }),
    { maxLength: 12 },
  )
  .map((all) => all.map((one, n) => ({ ...one, stays: false, worker_id: `worker-${n}` })));

test("[EVICT-1] only what may go goes, it is enough, none of it is needless, and it is never for nothing", () => {
  fc.assert(
    fc.property(fc.nat(80), aSpaces, aResidents, (bytes, spaces, residents) => {
      const room = findRoom(bytes, spaces, residents);
      const idleOn = (device: string) => residents.filter((one) => one.why === undefined && one.device === device);
      const sum = (some: readonly Resident[]) => some.reduce((total, one) => total + one.bytes, 0);
      if (room === undefined) {
        for (const { device, free } of spaces) expect(free + sum(idleOn(device))).toBeLessThan(bytes);
        return;
      }
      const free = spaces.find(({ device }) => device === room.device)?.free ?? 0;
      const gone = room.evict.map((id) => residents.find(({ worker_id }) => worker_id === id) as Resident);
      expect(idleOn(room.device)).toEqual(expect.arrayContaining(gone));
      expect(new Set(room.evict).size).toBe(room.evict.length);
      expect(free + sum(gone)).toBeGreaterThanOrEqual(bytes);
      for (const one of gone) expect(free + sum(gone) - one.bytes).toBeLessThan(bytes);
    }),
    { numRuns: 1_000 },
  );
});

test("[EVICT-1] of equals the one goes that nobody used for longest", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 60 }),
      fc.uniqueArray(fc.nat(99), { minLength: 6, maxLength: 9 }),
      (bytes, times) => {
        const residents = times.map((used_at, n) => resident(`worker-${n}`, { used_at }));
        const room = findRoom(bytes, [space("cpu", 0)], residents);
        const oldest = residents.toSorted((one, other) => one.used_at - other.used_at);
        expect(room?.evict).toEqual(oldest.slice(0, Math.ceil(bytes / 10)).map(({ worker_id }) => worker_id));
      },
    ),
  );
});

test("idle workers of a GPU go before the CPU is taken, but not where another GPU has room", () => {
  const spaces = [space("cuda:0", 2), space("cpu", 90)];
  const old = resident("worker-old", { device: "cuda:0" });
  expect(findRoom(5, spaces, [old])).toEqual({ device: "cuda:0", evict: ["worker-old"] });
  expect(findRoom(5, spaces, [{ ...old, why: "busy" }])).toEqual({ device: "cpu", evict: [] });
  expect(findRoom(5, [space("cuda:0", 2), space("cuda:1", 9)], [old])).toEqual({ device: "cuda:1", evict: [] });
});

test("a large one that had to go spares the small ones before it", () => {
  const small = resident("worker-small", { bytes: 1, used_at: 1 });
  const large = resident("worker-large", { bytes: 20, used_at: 2 });
  expect(findRoom(15, [space("cpu", 0)], [small, large])?.evict).toEqual(["worker-large"]);
});
