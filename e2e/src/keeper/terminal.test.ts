import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { problemOf, type JobEvent } from "@rbee/contracts";
import { FakeQueen, generation, type Play } from "../../../sdk/test/fake-queen.ts";
import { hasTmux, keeper, Terminal } from "../terminal.ts";

/** What the keeper asks and says in a terminal, before a queen that a test scripts. */

const result =
  (value: Record<string, unknown>): Play =>
  () => [{ type: "result", result: value } satisfies JobEvent];
const GIB = 2 ** 30;
const den = {
  hive_id: "den",
  connected: true,
  last_seen: 1,
  enrolled_at: 1,
  devices: ["cpu", "cuda:0"].map((id) => ({
    id,
    kind: id.slice(0, 4),
    name: "A device",
    memory_total_bytes: 8 * GIB,
    memory_free_bytes: GIB,
  })),
  models: [],
  jobs_running: 0,
  jobs_queued: 0,
};

describe.skipIf(!hasTmux)("in a terminal", () => {
  let queen: FakeQueen;
  let terminal: Terminal | undefined;
  let home: string;
  const plays: Record<string, Play> = {};
  beforeEach(async () => {
    plays["status"] = result({ hives: [den], workers: [], queue: { queued: 0, running: 0 } });
    queen = await new FakeQueen(plays).start();
    home = mkdtempSync(join(tmpdir(), "rbee-keeper-"));
  });
  afterEach(async () => {
    terminal?.close();
    await queen.stop();
    rmSync(home, { recursive: true });
  });
  const open = (...args: readonly string[]): Terminal => {
    const env = { RBEE_URL: queen.url, RBEE_API_KEY: queen.key, RBEE_HOME: home, NO_COLOR: "1" };
    return (terminal = new Terminal([...keeper, ...args], env));
  };
  const asked = (operation: string) => queen.requests.find(({ body }) => body?.["operation"] === operation)?.body;

  test("a chat goes on behind an error, and --quiet leaves only what is said", async () => {
    plays["infer"] = () => [{ ...problemOf("queue_full", "too many wait"), type: "error" }];
    const chat = open("chat", "--model", "owl", "--quiet");
    await chat.shows(/› *$/m);
    chat.type("One", "Enter");
    await chat.shows(/^› One\nerror\[queue_full\]: too many wait\n[^]*\n› *$/m);
    plays["infer"] = () => generation(["Two it is"]);
    chat.type("Two", "Enter");
    expect(await chat.shows(/Two it is\n› *$/m)).not.toContain("Chatting");
    expect(queen.requests.at(-1)?.body?.["messages"]).toEqual([{ role: "user", content: "Two" }]);
  });

  test("NO_COLOR is for the spinner, too", async () => {
    plays["infer"] = async function* (_, signal) {
      yield { type: "narration", actor: "hive", action: "x", level: "info", human: "Loading owl" };
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
    };
    const infer = open("infer", "-m", "owl", "Hello");
    await infer.shows(/Loading owl/);
    expect(infer.coloured).not.toContain("\u001B[");
  });

  test("a link's size is that of what is fetched; capitals of the id are the hub's own", async () => {
    const found = { id: "Org/Owl", url: "https://hub.example/Org/Owl", downloads: 1, gated: false, fits: [] };
    const sizes = { F16: 16 * GIB, Q4_K_M: 4 * GIB };
    plays["model_search"] = result({ models: [{ ...found, quants: ["Q4_K_M", "F16"], sizes }] });
    const link = open("links", "open", "--terminal", "rbee://install/model?id=org/owl");
    expect(await link.shows(/Where\?/)).toMatch(/size +4\.0 GiB\n/);
  });

  test("a link to an engine says what it is, asks for a machine and does what the offer says", async () => {
    const engine = { worker_type: "cuda-llm-worker", version: "3.0.0" };
    const offer = { ...engine, method: "build", size_bytes: GIB, installed: false, installable: true };
    plays["worker_catalog_get"] = result({ worker: offer });
    plays["worker_build"] = result({ ...engine, path: "/engines/cuda", size_bytes: GIB });
    const link = open("links", "open", "--terminal", "rbee://install/worker?type=cuda-llm-worker");
    expect(await link.shows(/Where\? 1-1/)).not.toContain("cuda:0");
    link.type("Enter");
    expect(await link.shows(/Build cuda-llm-worker on den\?/)).toMatch(
      /^build engine +cuda-llm-worker\nversion +3\.0\.0\nfrom +its source\nsize +1\.0 GiB\n/m,
    );
    link.type("y", "Enter");
    await link.shows(/is installed[^]*CODE 0/);
    expect(asked("worker_build")).toMatchObject({ worker_type: "cuda-llm-worker", hive_id: "den" });
    link.close();
    plays["worker_catalog_get"] = result({ worker: { ...offer, installable: false, reason: "no compiler" } });
    const refused = open("links", "open", "--terminal", "rbee://install/worker?type=cuda-llm-worker&hive=den");
    await refused.shows(/error\[unsupported\]: den cannot have cuda-llm-worker: no compiler\n/);
  });
});
