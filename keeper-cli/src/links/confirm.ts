import type { RbeeLink } from "@rbee/contracts";
import type { HiveInfo, OperationResult } from "@rbee/sdk";
import { renderLoaded } from "../commands/views/models.ts";
import { columns, sheet } from "../commands/views/parts.ts";
import { renderInstalled } from "../commands/views/workers.ts";
import { runWatched } from "../commands/run-watched.ts";
import { clientOf, type CommonFlags } from "../common-flags.ts";
import { fail, Interrupted } from "../failure.ts";
import { askPerson } from "../terminal/ask.ts";
import { plain, printResult, say } from "../terminal/output.ts";
import { bytes } from "../terminal/words.ts";

type Found = OperationResult<"model_search">["models"][number];

/** A machine and a device on it. */
interface Place {
  readonly hive_id: string;
  readonly device: string;
}

const NOTHING_DONE = "Nothing was done";
const PART_KEPT = "The part that came is kept: the same link goes on from there.";

/** Says what a link asks for, lets a person choose where, and does it when they say yes. @throws RbeeError, Interrupted */
export async function confirmAndRun(flags: CommonFlags, link: RbeeLink): Promise<void> {
  if (!process.stdin.isTTY)
    throw fail(
      "unsupported",
      "there is neither a browser nor a terminal to ask on",
      "Open the link where you can confirm it.",
    );
  const { hives } = plain(await clientOf(flags).run("status", {}));
  const there = hives.filter(({ connected }) => connected);
  if (there.length === 0) throw fail("hive_offline", "no hive is connected", "Start one, then open the link again.");
  return link.kind === "model" ? await runModel(flags, link, there) : await installWorker(flags, link, there);
}

async function runModel(
  flags: CommonFlags,
  { id, quant }: Extract<RbeeLink, { kind: "model" }>,
  hives: readonly HiveInfo[],
): Promise<void> {
  const found = await describe(flags, id);
  const model = quant === undefined ? id : `${id}:${quant}`;
  const size = found === undefined ? undefined : sizeOf(found, quant);
  say(
    sheet({
      "run model": model,
      from: found?.url ?? "unknown: the hub does not list it, or cannot be asked",
      size: size === undefined ? "unknown" : bytes(size),
      licence: `${found?.licence ?? "unknown"}${found?.gated === true ? " (asks for consent)" : ""}`,
      "fits on": found?.fits.join(", ") || undefined,
    }),
  );
  const where = await choosePlace(hives);
  await confirm(`Fetch ${model} to ${where.hive_id} and load it there?`);
  const loaded = await runWatched({ ...flags, afterCancel: PART_KEPT }, "model_run", { model, ...where });
  printResult(flags, loaded, renderLoaded);
}

async function installWorker(
  flags: CommonFlags,
  { type, hive }: Extract<RbeeLink, { kind: "worker" }>,
  hives: readonly HiveInfo[],
): Promise<void> {
  const hive_id = hive ?? (await chooseHive(hives)).hive_id;
  const engine = { worker_type: type, hive_id };
  const { worker: offer } = plain(await runWatched(flags, "worker_catalog_get", engine));
  const { version, method, size_bytes, installed, installable, reason } = offer;
  const builds = method === "build";
  say(
    sheet({
      [builds ? "build engine" : "install engine"]: type,
      version: `${version}${installed ? ", which is there already" : ""}`,
      from: builds ? "its source" : "a download",
      size: size_bytes === undefined ? "unknown" : bytes(size_bytes),
    }),
  );
  if (!installed && !installable)
    throw fail("unsupported", `${hive_id} cannot have ${type}: ${reason ?? "it does not say why"}`);
  await confirm(`${builds ? "Build" : "Install"} ${type} on ${hive_id}?`);
  const done = await runWatched(
    { ...flags, afterCancel: PART_KEPT },
    builds ? "worker_build" : "worker_download",
    engine,
  );
  printResult(flags, done, renderInstalled);
}

/** What the hub says of a repository; nothing where it does not know it. */
async function describe(flags: CommonFlags, id: string): Promise<Found | undefined> {
  const search = clientOf(flags).run("model_search", { query: id, limit: 5 });
  return plain(await search.catch(() => undefined))?.models.find((one) => one.id.toLowerCase() === id.toLowerCase());
}

/** Of the quantisation that a link names, else of the one that is taken then. */
function sizeOf(found: Found, quant: string | undefined): number | undefined {
  const name = found.quants.find((one) => quant === undefined || one.toUpperCase() === quant.toUpperCase());
  return name === undefined ? undefined : found.sizes[name];
}

async function choosePlace(hives: readonly HiveInfo[]): Promise<Place> {
  const places = hives.flatMap(({ hive_id, devices }) => devices.map((device) => ({ hive_id, device })));
  const { hive_id, device } = await choose(places, ["hive", "device", "memory"], ({ hive_id, device }) => [
    hive_id,
    `${device.id}, ${device.name}`,
    `${bytes(device.memory_free_bytes)} free of ${bytes(device.memory_total_bytes)}`,
  ]);
  return { hive_id, device: device.id };
}

/** An engine is a whole machine's. */
const chooseHive = (hives: readonly HiveInfo[]): Promise<HiveInfo> =>
  choose(hives, ["hive", "devices"], ({ hive_id, devices }) => [hive_id, devices.map(({ name }) => name).join(", ")]);

/** One of them, by its number. */
async function choose<T>(
  things: readonly T[],
  head: readonly string[],
  rowOf: (thing: T) => readonly string[],
): Promise<T> {
  const rows = things.map((thing, i) => [String(i + 1), ...rowOf(thing)]);
  say(`\n${columns(["", ...head], rows)}`);
  for (;;) {
    const answer = (await askPerson(`Where? 1-${things.length} [1] `, { left: NOTHING_DONE })).trim();
    const thing = things[answer === "" ? 0 : Number(answer) - 1];
    if (thing !== undefined) return thing;
  }
}

/** @throws Interrupted unless they say yes */
async function confirm(question: string): Promise<void> {
  const answer = await askPerson(`${question} [y/N] `, { left: NOTHING_DONE });
  if (!/^y(es)?$/i.test(answer.trim())) throw new Interrupted(NOTHING_DONE);
}
