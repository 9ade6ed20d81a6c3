import { expect, test, vi } from "vitest";
import { errors } from "@rbee/contracts";
import { exitCodeOf, fail, formatFailure, Interrupted } from "../failure.ts";
import { rbeeHome } from "../home.ts";
import { Narrator, wordsFor } from "./narrator.ts";
import { printResult } from "./output.ts";
import { progressLine } from "./progress.ts";
import { table } from "./table.ts";
import { WordWrap } from "./word-wrap.ts";
import { ago, bytes, duration } from "./words.ts";

test("a table has aligned columns and no more width than the terminal", () => {
  const rows = [
    ["one", "a very long cell that does not fit into the terminal at all", "x"],
    ["two", "short", "y"],
  ];
  const lines = table(["a", "b", "c"], rows, { width: 40, colours: false }).split("\n");
  expect(lines).toHaveLength(3);
  for (const line of lines) expect(line.length).toBeLessThanOrEqual(40);
  expect(lines[1]).toMatch(/^one +a very long.*… +x$/);
  expect(new Set(lines.map((line) => line.search(/[cxy]$/))).size).toBe(1);
});

test("amounts read well", () => {
  expect([0, 1_023, 1_536, 2_301_280, 8 * 2 ** 30].map(bytes)).toEqual([
    "0 B",
    "1023 B",
    "1.5 KiB",
    "2.2 MiB",
    "8.0 GiB",
  ]);
  expect([40, 12_000, 180_000, 7_300_000, 400_000_000].map(duration)).toEqual(["40 ms", "12 s", "3 min", "2 h", "5 d"]);
  expect(ago(1_000, 61_000)).toBe("60 s ago");
});

test("progress is told in the words it has", () => {
  expect(wordsFor({ type: "progress", done: 50, unit: "percent" })).toBe("50 %");
  expect(wordsFor({ type: "progress", done: 1_024, total: 4_096, unit: "bytes", eta_ms: 12_000 })).toBe(
    "25 % · 1.0 KiB of 4.0 KiB · 12 s left",
  );
  expect(wordsFor({ type: "progress", done: 3, unit: "layers" })).toBe("3 layers");
  expect(wordsFor({ type: "state", state: "queued", position: 2, reason: "no free slot" })).toBe(
    "Waiting in the queue, position 2: no free slot",
  );
  expect(wordsFor({ type: "token", text: "x" })).toBeUndefined();
});

test("a bar fits the terminal, and what it is about stays in sight", () => {
  const progress = {
    type: "progress",
    done: 512,
    total: 1_024,
    unit: "bytes",
    per_second: 256,
    eta_ms: 2_000,
  } as const;
  const numbers = "50 % · 512 B of 1.0 KiB · 256 B/s · 2.0 s left";
  expect(progressLine("Fetching a.gguf", progress, 100)).toBe(
    `Fetching a.gguf ${"━".repeat(12)}${"╌".repeat(12)} ${numbers}`,
  );
  for (const columns of [100, 80, 70, 60, 50]) {
    const line = progressLine("Fetching a model with a long name", progress, columns);
    expect(line.length).toBeLessThanOrEqual(columns);
    expect(line).toMatch(/^Fetching a model .* 50 % .*2\.0 s left$/);
  }
  expect(progressLine("Counting", { type: "progress", done: 3, unit: "items" }, 80)).toBe("Counting 3 items");
});

test("in a narrow terminal the last columns are left out, and no line wraps", () => {
  const rows = [["attic", "connected", "NVIDIA GeForce RTX 4090", "21 GiB of 24 GiB", "bee-tiny, owl"]];
  for (const width of [20, 30, 40, 60]) {
    const lines = table(["hive", "state", "devices", "memory", "models"], rows, { width, colours: false }).split("\n");
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(width);
    expect(lines[1]).toMatch(/^attic +conn/);
  }
});

test("what is typed again is never cut", () => {
  const rows = [["job_aaaaaaaaaaaaaaaaaaaaaaaaaa", "a very long operation", "x"]];
  const [, line = ""] = table(["job", "operation", ""], rows, { width: 40, colours: false, whole: [0] }).split("\n");
  expect(line).toMatch(/^job_a{26} +a ver/);
});

test("every error has the exit code of its row", () => {
  for (const [code, row] of Object.entries(errors))
    expect(exitCodeOf(fail(code as keyof typeof errors))).toBe(row.exit);
  expect(exitCodeOf(new Interrupted("Stopped"))).toBe(130);
  expect(exitCodeOf(new TypeError("bug"))).toBe(6);
  expect(formatFailure(fail("worker_busy", "all slots are taken", "Wait."), false)).toBe(
    "error[worker_busy]: all slots are taken\n  Wait.",
  );
});

test("state is kept where the platform keeps it", () => {
  expect(rbeeHome({ RBEE_HOME: "/x" }, "linux")).toBe("/x");
  expect(rbeeHome({ XDG_STATE_HOME: "/state" }, "linux")).toBe("/state/rbee");
  expect(rbeeHome({}, "linux")).toMatch(/\/\.local\/state\/rbee$/);
  expect(rbeeHome({}, "darwin")).toMatch(/\/Library\/Application Support\/rbee$/);
});

test("text is broken between words, whatever pieces it comes in", () => {
  const text = "One day, a bee found a flower.\n\nIt was extraordinarilyyellow, and so on";
  const whole = new WordWrap(16);
  const expected = "One day, a bee\nfound a flower.\n\nIt was\nextraordinarilyyellow,\nand so on";
  expect(whole.push(text) + whole.end()).toBe(expected);
  const pieces = new WordWrap(16);
  expect(
    text
      .split("")
      .map((piece) => pieces.push(piece))
      .join("") + pieces.end(),
  ).toBe(expected);
});

const HOSTILE = "\u001b]0;a title\u0007\u001b[2JMIT\u009b31m\r";

test("what others wrote does nothing to a terminal; a pipe and a program get it as it is", () => {
  const write = vi.spyOn(process.stdout, "write").mockReturnValue(true);
  const { isTTY } = process.stdout;
  const result = { "licence\u0007": [{ name: `${HOSTILE}\nline two` }], size: 1 };
  const written = (json: boolean): string => {
    printResult({ json }, result, (told) => `${Object.keys(told)[0]} ${JSON.stringify(Object.values(told))}`);
    return write.mock.lastCall?.[0] as string;
  };
  try {
    process.stdout.isTTY = true;
    expect(written(false)).toBe('licence [[{"name":"MIT\\nline two"}],1]\n');
    expect(JSON.parse(written(true))).toEqual(result);
    process.stdout.isTTY = false;
    expect(written(false)).toBe(`licence\u0007 ${JSON.stringify(Object.values(result))}\n`);
  } finally {
    process.stdout.isTTY = isTTY;
    write.mockRestore();
  }
});

test("neither does what is said on stderr: words of a hive, and errors", () => {
  const write = vi.spyOn(process.stderr, "write").mockReturnValue(true);
  try {
    const event = { type: "narration", actor: "hive", action: "x", level: "info", human: HOSTILE } as const;
    new Narrator({ verbose: true }).show(event);
    expect(write.mock.lastCall?.[0]).toBe("MIT\n");
  } finally {
    write.mockRestore();
  }
  expect(formatFailure(fail("worker_busy", HOSTILE, HOSTILE), false)).toBe("error[worker_busy]: MIT\n  MIT");
  expect(formatFailure(new Error(HOSTILE), false)).toMatch(/^error\[internal\]: MIT\n/);
});
