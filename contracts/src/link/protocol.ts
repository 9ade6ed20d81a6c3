/**
 * The link between a hive and the queen: one control socket per hive, one data lane per running job and term.
 * Version 1: the first one. Version 2: an operation may go on behind tokens of a lost hive (`resume`); it is only given
 * to hives that tell their models' digests, which those of version 1 do not. Devices, workers and progress tell more; a piece
 * of text may be part of a tool call, and may come with its tokens' likelihoods: only what was asked for by fields that
 * older hives refuse has either.
 * Version 3: hives tell how long workers stay and which are held, what they stopped, and whether they fetch models on demand.
 * Version 4: problems have two codes more and may say how long to wait; neither is ever said by a hive. An answer's first
 * piece tells the prompt's tokens; older queens leave that out. Texts to embed may be cut (`truncate`), which older hives refuse:
 * only what was asked for by that name says it, and what was refused as too long.
 */
export const LINK_VERSION = 4;
/** Oldest version the queen still speaks. A deploy always meets agents one version behind. */
export const LINK_VERSION_MIN = 1;
export const LINK_SUBPROTOCOL = "rbee.hive.v1";

/** Sent and answered as bare text; the runtime answers without waking the object. */
export const PING = "ping";
export const PONG = "pong";

interface Close {
  readonly code: number;
  readonly reason: string;
  /**
   * Whether the agent may dial again. `superseded` may not on the control socket: a second agent with the same credential took
   * over, and two that dial would fight for ever. A lane may, once its agent's control socket is up: an older dial of its
   * own may come late.
   */
  readonly reconnect: boolean;
}

/** Why a side closes a link socket. */
export const closes = {
  shutdown: { code: 1001, reason: "going away", reconnect: true },
  stopped: { code: 4400, reason: "stopped on request", reconnect: false },
  bad_credential: { code: 4401, reason: "the credential is not valid", reconnect: false },
  revoked: { code: 4403, reason: "the hive was revoked", reconnect: false },
  superseded: { code: 4409, reason: "a newer connection took over", reconnect: false },
  bad_frame: { code: 4412, reason: "a frame was not understood", reconnect: true },
  too_large: { code: 4413, reason: "a frame was too large", reconnect: true },
  stale_term: { code: 4414, reason: "this term of the job is over", reconnect: false },
  done: { code: 1000, reason: "done", reconnect: false },
  version: { code: 4426, reason: "the link version is not supported; update the agent", reconnect: false },
} as const satisfies Record<string, Close>;

/** Whether an agent that was closed with this code dials again; an unknown code is treated as a broken line. */
export const mayReconnect = (code: number): boolean =>
  Object.values(closes).find((close) => close.code === code)?.reconnect ?? true;
