import { JobClient } from "@rbee/sdk";
import { live } from "./commands/live-values.ts";
import { queenAddress, type AddressFlags } from "./queen-address.ts";

/** Flags of every command that talks to a queen. */
export interface CommonFlags extends AddressFlags {
  readonly json?: boolean | undefined;
  /** Nothing on stderr but errors. */
  readonly quiet?: boolean | undefined;
}

export const addressFlags = {
  url: { kind: "parsed", parse: String, optional: true, placeholder: "url", brief: "Queen to talk to (RBEE_URL)" },
  hive: {
    kind: "parsed",
    parse: String,
    optional: true,
    placeholder: "name|local",
    proposeCompletions: live("hive"),
    brief: "Hive; `local` is this machine's own, which needs no queen (RBEE_HIVE)",
  },
  key: { kind: "parsed", parse: String, optional: true, placeholder: "rbk_…", brief: "Key to show it (RBEE_API_KEY)" },
  context: {
    kind: "parsed",
    parse: String,
    optional: true,
    placeholder: "name",
    brief: "Queen of an earlier `rbee login`, instead of the one in use",
    proposeCompletions: live("context"),
  },
  quiet: { kind: "boolean", optional: true, withNegated: false, brief: "Say nothing but the result and errors" },
} as const;

export const commonFlags = {
  ...addressFlags,
  json: { kind: "boolean", optional: true, withNegated: false, brief: "Print JSON on stdout" },
} as const;

export const clientOf = (flags: AddressFlags): JobClient => new JobClient(queenAddress(flags));
