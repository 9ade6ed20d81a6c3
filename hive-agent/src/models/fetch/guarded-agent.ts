import { RbeeError } from "@rbee/contracts";
import { lookup } from "node:dns";
import { isIP, type LookupFunction } from "node:net";
import { Agent, buildConnector } from "undici";
import { isPublicAddress, isLinkLocal } from "./addresses.ts";

/** Whom this hive may fetch from. Set by its owner; nothing that a queen or a web page says changes it. */
export interface FetchPolicy {
  /** The hub. Its own address may be private: whoever set it up means it. */
  readonly endpoint: URL;
  /** Everything else may be private, and plain http, too; never the machine's own link. */
  readonly allowPrivate: boolean;
  /** What names mean; the system's look-up if not given. */
  readonly lookup?: typeof lookup;
}

/**
 * Connections that judge the very address they connect to: what a name resolves to is checked in the look-up that the
 * socket uses, so a name cannot change its mind in between. [MODEL-4]
 */
export function guardedAgent(policy: FetchPolicy, timeouts: { connect_ms: number; idle_ms: number }): Agent {
  const refusal = policy.allowPrivate ? refusalOfLinkLocal : refusalOfPrivate;
  const open = buildConnector({ timeout: timeouts.connect_ms });
  const guarded = buildConnector({ timeout: timeouts.connect_ms, lookup: judged(policy.lookup ?? lookup, refusal) });
  return new Agent({
    bodyTimeout: timeouts.idle_ms,
    headersTimeout: timeouts.idle_ms,
    connect(options, callback) {
      if (isEndpoint(options, policy.endpoint)) return open(options, callback);
      const literal = options.hostname.replace(/^\[|\]$/g, "");
      // An address is connected to without a look-up.
      const why = isIP(literal) === 0 ? undefined : refusal(literal);
      return why === undefined ? guarded(options, callback) : callback(refused(literal, why), null);
    },
  });
}

/** What is wrong with an address, if anything is. */
type Refusal = (address: string) => string | undefined;

const refusalOfPrivate: Refusal = (address) =>
  isPublicAddress(address) ? undefined : "not an address on the public internet";
const refusalOfLinkLocal: Refusal = (address) =>
  isLinkLocal(address) ? "an address of the machine's own link, where clouds keep credentials" : undefined;

function isEndpoint({ protocol, hostname, port }: buildConnector.Options, endpoint: URL): boolean {
  return (
    protocol === endpoint.protocol &&
    hostname === endpoint.hostname &&
    portOf(protocol, port) === portOf(endpoint.protocol, endpoint.port)
  );
}

const portOf = (protocol: string, port: string): string =>
  port === "" ? (protocol === "https:" ? "443" : "80") : port;

const judged =
  (resolve: typeof lookup, refusal: Refusal): LookupFunction =>
  (hostname, options, callback) => {
    resolve(hostname, { ...options, all: true }, (error, addresses) => {
      if (error !== null) return callback(error, "");
      const bad = addresses.find(({ address }) => refusal(address) !== undefined);
      const [first] = addresses;
      // One bad address among good ones is refused too: which of them is taken is not ours to choose.
      if (bad !== undefined) return callback(refused(bad.address, refusal(bad.address) ?? "", hostname), "");
      if (first === undefined) return callback(new Error(`${hostname} has no address`), "");
      if (options.all === true) return callback(null, addresses);
      return callback(null, first.address, first.family);
    });
  };

const refused = (address: string, why: string, name?: string): RbeeError =>
  new RbeeError("address_refused", name === undefined ? `${address} is ${why}` : `${name} is ${address}, ${why}`);
