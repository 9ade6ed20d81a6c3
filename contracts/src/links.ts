import { z } from "zod";
import { HiveId, ModelId } from "./ids.ts";
import { WorkerType } from "./operations/workers.ts";

/** A link is typed by anybody: nothing longer than this is looked at. */
const LINK_CHARS_MAX = 1_024;

/** `org/repo` on the hub: what a link may name, and nothing that a path could become. */
const HubRepo = ModelId.refine((id) => /^[^/:]+\/[^/:]+$/.test(id), "not a repository: it looks like org/repo");

const Quant = z
  .string()
  .max(32)
  .regex(/^[A-Za-z0-9][A-Za-z0-9_.-]*$/, "not a quantisation");

const modelQuery = z.strictObject({ id: HubRepo, quant: Quant.optional() });

/** What each link takes. `rbee://model` is what older pages say for `rbee://install/model`. */
const links = {
  "install/model": modelQuery.transform((query) => ({ kind: "model" as const, ...query })),
  model: modelQuery.transform((query) => ({ kind: "model" as const, ...query })),
  "install/worker": z
    .strictObject({ type: WorkerType, hive: HiveId.optional() })
    .transform((query) => ({ kind: "worker" as const, ...query })),
};

/** What a link asks for. It asks only: a person confirms before anything happens. */
export type RbeeLink = z.infer<(typeof links)[keyof typeof links]>;

/** Reads an `rbee://` link. @returns undefined for anything else, with fields that are unknown or said twice, too */
export function parseRbeeLink(text: string): RbeeLink | undefined {
  if (text.length > LINK_CHARS_MAX) return undefined;
  const { place = "", query = "" } = /^rbee:\/\/(?<place>[a-z/]+?)\/?\?(?<query>[^#?]+)$/.exec(text)?.groups ?? {};
  const fields = fieldsIn(query);
  if (!Object.hasOwn(links, place) || fields === undefined) return undefined;
  return links[place as keyof typeof links].safeParse(fields).data;
}

/** `a=1&b=2`, each name once. */
function fieldsIn(query: string): Record<string, string> | undefined {
  const fields = new Map<string, string>();
  for (const pair of query.split("&")) {
    const [, name = "", value = ""] = /^([a-z]+)=(.+)$/.exec(pair) ?? [];
    if (name === "" || fields.has(name)) return undefined;
    try {
      fields.set(name, decodeURIComponent(value));
    } catch {
      return undefined;
    }
  }
  return Object.fromEntries(fields);
}

/** The page on which a person sees what a link would do, and confirms it. */
export function confirmationPage(queen: string, link: RbeeLink): string {
  const base = queen.replace(/\/+$/, "");
  if (link.kind === "worker") {
    const hive = link.hive === undefined ? "" : `&hive=${link.hive}`;
    return `${base}/install/worker?type=${link.type}${hive}`;
  }
  const quant = link.quant === undefined ? "" : `?quant=${encodeURIComponent(link.quant)}`;
  return `${base}/run/${link.id.split("/").map(encodeURIComponent).join("/")}${quant}`;
}
