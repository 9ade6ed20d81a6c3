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
  const size = sizeOf(found, quant);
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
  say(sheet({ "install engine": type, "asked for": hive ?? "any hive" }));
  const hive_id = hive ?? (await choosePlace(hives)).hive_id;
  await confirm(`Install ${type} on ${hive_id}?`);
  const operation = type === "llama-server" ? "worker_build" : "worker_download";
  const installed = await runWatched({ ...flags, afterCancel: PART_KEPT }, operation, { worker_type: type, hive_id });
  printResult(flags, installed, renderInstalled);
}

/** What the hub says of a repository; nothing where it does not know it. */
async function describe(flags: CommonFlags, id: string): Promise<Found | undefined> {
  const search = clientOf(flags).run("model_search", { query: id, limit: 5 });
  return plain(await search.catch(() => undefined))?.models.find((one) => one.id === id);
}

function sizeOf(found: Found | undefined, quant: string | undefined): number | undefined {
  if (found === undefined || quant === undefined)
    return found === undefined ? undefined : Object.values(found.sizes)[0];
  const name = found.quants.find((one) => one.toUpperCase() === quant.toUpperCase());
  return name === undefined ? undefined : found.sizes[name];
}

/** A device by its number; the only one there is needs no question. */
async function choosePlace(hives: readonly HiveInfo[]): Promise<Place> {
  const places = hives.flatMap(({ hive_id, devices }) => devices.map((device) => ({ hive_id, device })));
  const rows = places.map(({ hive_id, device }, i) => [
    String(i + 1),
    hive_id,
    `${device.id}, ${device.name}`,
    `${bytes(device.memory_free_bytes)} free of ${bytes(device.memory_total_bytes)}`,
  ]);
  say(`\n${columns(["", "hive", "device", "memory"], rows)}`);
  for (;;) {
    const answer = (await askPerson(`Where? 1-${places.length} [1] `, { left: NOTHING_DONE })).trim();
    const place = places[answer === "" ? 0 : Number(answer) - 1];
    if (place !== undefined) return { hive_id: place.hive_id, device: place.device.id };
  }
}

/** @throws Interrupted unless they say yes */
async function confirm(question: string): Promise<void> {
  const answer = await askPerson(`${question} [y/N] `, { left: NOTHING_DONE });
  if (!/^y(es)?$/i.test(answer.trim())) throw new Interrupted(NOTHING_DONE);
}
