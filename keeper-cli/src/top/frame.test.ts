import { stripVTControlCharacters } from "node:util";
import stringWidth from "string-width";
import { expect, test } from "vitest";
import type { FleetState } from "@rbee/sdk";
import { frameOf } from "./frame.ts";

const GIB = 2 ** 30;
const many = <T>(count: number, make: (n: number) => T): T[] => Array.from({ length: count }, (_, n) => make(n));
const fleet: FleetState = {
  hives: many(9, (n) => ({
    hive_id: `attic-${n}`,
    connected: n > 0,
    last_seen: 0,
    enrolled_at: 0,
    devices: [
      { id: "cuda:0", kind: "cuda", name: "NVIDIA 蜂", memory_total_bytes: 24 * GIB, memory_free_bytes: n * GIB },
    ],
    models: [],
    jobs_running: 1,
    jobs_queued: 0,
  })),
  workers: many(9, (n) => ({
    worker_id: `worker-attic-${n}`,
    hive_id: `attic-${n}`,
    model: "org/a-model-with-a-long-name:Q4_K_M",
    device: "cuda:0",
    state: "ready",
    slots: 4,
    slots_busy: 1,
    tokens_per_s: 41.6,
  })),
  queue: { queued: 3, running: 9 },
  jobs: many(13, (n) => ({
    job_id: `job_${n.toString(36).repeat(26)}`,
    operation: "infer",
    state: n === 0 ? "succeeded" : n < 4 ? "queued" : "running",
    submitted_at: 0,
    ...(n < 4 ? {} : { hive_id: "attic" }),
  })),
};

test.each([20, 30, 40, 50, 60, 80, 120])(
  "no line is wider than %i columns, and the frame fills the screen",
  (columns) => {
    for (const rows of [12, 24, 60]) {
      const lines = frameOf({ fleet }, "https://rbee-queen.example.workers.dev", { columns, rows, hint: "q quits" });
      expect(lines).toHaveLength(rows);
      // An id is whole or the column is not there: narrower than one no terminal is.
      const wide = lines.filter((line) => stringWidth(line) > Math.max(columns, 32));
      expect(wide).toEqual([]);
    }
  },
);

test("what does not fit is counted; a queen that is away is said in the last line", () => {
  const lines = frameOf({ fleet, problem: "no answer" }, "http://q", { columns: 80, rows: 24, hint: "q quits" }).map(
    stripVTControlCharacters,
  );
  expect(lines.filter((line) => /^\d+ more$/.test(line)).length).toBeGreaterThan(1);
  expect(lines.at(-1)).toBe("The queen does not answer: no answer");
  expect(lines[0]).toMatch(/^rbee {2}8 of 9 hives, 9 workers, 9 running, 3 waiting/);
  const whole = frameOf({ fleet }, "http://q", { columns: 120, rows: Infinity });
  expect(whole.join("\n")).not.toMatch(/\d more/);
  expect(whole.join("\n").match(/^job_\w{26}/gm)).toEqual(fleet.jobs.slice(1).map(({ job_id }) => job_id));
});
