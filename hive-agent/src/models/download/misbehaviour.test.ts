import { readFile } from "node:fs/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { sha256, type Fault } from "../testing/hub.ts";
import { beeTiny, padded, Stand } from "../testing/stand.ts";

let stand: Stand;
const bytes = padded(3_000_000);
beforeEach(async () => {
  stand = await Stand.open();
  stand.hub.addRepo("org/bee", { "bee.Q8_0.gguf": bytes });
});
afterEach(async () => stand.close());

const whole = async (): Promise<void> => {
  const { path, sha256: hash } = await stand.provide("org/bee");
  expect(hash).toBe(sha256(bytes));
  expect((await readFile(path)).equals(bytes)).toBe(true);
  expect((await stand.files()).filter((name) => name.includes(".part"))).toEqual([]);
};
/** Nothing that is not the model may ever have its name. */
const nothingNamed = async (): Promise<void> => {
  expect((await stand.files()).filter((name) => !name.includes(".part"))).toEqual([]);
  expect((await stand.models.catalogue.list()).filter(({ status }) => status !== "partial")).toEqual([]);
};

test.each<[string, Fault]>([
  ["gives no ranges", { kind: "no_range", times: 99 }],
  ["gives no range once", { kind: "no_range" }],
  ["claims another length", { kind: "wrong_length", by: -1_000 }],
  ["claims a larger length", { kind: "wrong_length", by: 1_000 }],
  ["has another ETag for a while", { kind: "new_etag", etag: '"other"' }],
  ["asks for a pause", { kind: "status", status: 429, retryAfter: "0" }],
  ["asks for a pause until a date", { kind: "status", status: 503, retryAfter: new Date().toUTCString() }],
  ["breaks", { kind: "status", status: 500, times: 2 }],
  ["breaks in its API", { kind: "status", status: 502, times: 2, on: "api" }],
  ["breaks where it redirects", { kind: "status", status: 504, times: 2, on: "resolve" }],
  ["resets the connection at the first byte", { kind: "reset", after: 0 }],
  ["resets the connection again and again", { kind: "reset", after: 300_000, times: 20 }],
  ["changes a byte once", { kind: "corrupt", at: 1_200_000 }],
  ["goes silent at the end", { kind: "stall", after: 519_000 }],
])("a server that %s: the model is right in the end [MODEL-2]", async (_what, fault) => {
  stand.hub.faults.push(fault);
  await whole();
});

test.each<[string, Fault, string]>([
  ["is a login page", { kind: "html", times: 99 }, "download_failed: a web page instead of the file"],
  [
    "is a login page in front of the API",
    { kind: "html", on: "api", times: 99 },
    "download_failed: does not answer with JSON",
  ],
  [
    "redirects in a circle",
    { kind: "redirect", to: "/loop", times: 99 },
    "download_failed: redirects more than 5 times",
  ],
  ["redirects to this machine", { kind: "redirect", to: "https://127.0.0.1:1/x" }, "address_refused: 127.0.0.1"],
  [
    "redirects to a cloud's secrets",
    { kind: "redirect", to: "http://169.254.169.254/latest" },
    "address_refused: 169.254",
  ],
  ["redirects to a file", { kind: "redirect", to: "file:///etc/passwd" }, "address_refused: file:"],
  ["redirects to nowhere", { kind: "redirect", to: "https://[" }, "download_failed: no address"],
  ["changes a byte every time", { kind: "corrupt", at: 1_200_000, times: 99 }, "download_failed: damaged"],
  ["claims another length every time", { kind: "wrong_length", by: 5, times: 99 }, "download_failed: bytes, not"],
  ["breaks for good", { kind: "status", status: 500, times: 99 }, "download_failed: 500"],
  ["wants a pause of an hour", { kind: "status", status: 429, retryAfter: "3600" }, "download_failed: 3600 s"],
  ["lets nobody in", { kind: "status", status: 403, on: "resolve", times: 9 }, "hub_refused: 403"],
  ["resets at the first byte for good", { kind: "reset", after: 0, times: 999 }, "download_failed: "],
])(
  "a server that %s: the download fails with the reason, and nothing has the model's name [MODEL-1]",
  async (_what, fault, expected) => {
    const [code = "", words = ""] = expected.split(": ");
    stand.hub.faults.push(fault);
    const failure = await stand.provide("org/bee").catch((error: unknown) => error);
    expect(failure).toMatchObject({ code, message: expect.stringContaining(words) as string });
    await nothingNamed();
    stand.hub.faults.length = 0;
    await whole();
  },
);

test.each(["honours If-Range", "ignores If-Range"])(
  "what changed at a server that %s is fetched anew, in ranges [MODEL-2]",
  async (what) => {
    const url = stand.hub.addFile("/x.gguf", bytes);
    const other = padded(3_000_000);
    const cancel = new AbortController();
    stand.hub.onPiece = (sent) => {
      // Into what the two files do not have in common.
      if (sent > 4_000_000) cancel.abort(new Error("cancelled"));
    };
    await expect(stand.provide(url, cancel.signal)).rejects.toThrow("cancelled");
    stand.hub.onPiece = undefined;
    stand.hub.addFile("/x.gguf", other);
    if (what === "ignores If-Range") stand.hub.faults.push({ kind: "ignore_if_range", times: 99 });
    const { path } = await stand.provide(url);
    expect((await readFile(path)).equals(other)).toBe(true);
    expect(stand.hub.requests.at(-1)?.range).toBeDefined();
  },
);

test("a page that says it is a model is not one", async () => {
  const url = stand.hub.addFile("/fake.gguf", Buffer.from("<!doctype html>".repeat(100)));
  await expect(stand.provide(url)).rejects.toThrow("no GGUF file");
  stand.hub.addRepo("org/broken", { "broken.Q8_0.gguf": beeTiny.subarray(0, 500_000) });
  await expect(stand.provide("org/broken")).rejects.toMatchObject({ code: "model_invalid" });
});
