import fc from "fast-check";
import type { Op } from "@rbee/contracts";
import { WebSocket } from "ws";
import type { House } from "../house.ts";
import { HANG_MS } from "./sockets.ts";

/** A dial as somebody would make it who has seen a token, or half of one. */
export interface Dialling {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
}

const letters = Array.from("abcdefghijklmnopqrstuvwxyzABC0123456789-_.");

/** The token with a letter changed, cut short or longer. */
const forged = (token: string): fc.Arbitrary<string> =>
  fc
    .tuple(fc.nat(token.length - 1), fc.constantFrom(...letters), fc.constantFrom("swap", "cut", "add", "none"))
    .map(([at, letter, how]) => {
      if (how === "cut") return token.slice(0, at);
      if (how === "add") return token + letter;
      return how === "none" ? token : token.slice(0, at) + letter + token.slice(at + 1);
    });

/** Lanes of that job with wrong terms, ids and tokens; its token where a credential belongs; now and then a right one. */
export const diallings = ({ job_id, term, lane_token }: Op): fc.Arbitrary<Dialling> => {
  const id = fc.oneof(fc.constant(job_id), fc.constant(`job_${"a".repeat(26)}`), forged(job_id));
  const lane = fc.tuple(id, fc.oneof(fc.constant(term), fc.integer()), forged(lane_token)).map(([id, term, token]) => ({
    path: `/v1/lanes/${encodeURIComponent(id)}?term=${term}`,
    headers: { authorization: `Bearer ${token}` },
  }));
  const control = fc
    .tuple(forged(lane_token), fc.integer(), forged("A".repeat(86)))
    .map(([token, time, signature]) => ({
      path: "/v1/hives/connect",
      headers: {
        "x-rbee-credential": token,
        "x-rbee-timestamp": String(time),
        "x-rbee-nonce": token.slice(0, 16),
        "x-rbee-signature": signature,
      },
    }));
  return fc.oneof({ weight: 3, arbitrary: lane }, { weight: 1, arbitrary: control });
};

/** It is let in, or refused with a reason: never anything else. */
export async function dialWith(house: House, { path, headers }: Dialling): Promise<void> {
  const socket = new WebSocket(house.url.replace("http", "ws") + path, { headers, handshakeTimeout: HANG_MS });
  const status = await new Promise<number>((resolve, reject) => {
    socket.once("open", () => resolve(101));
    socket.once("unexpected-response", (_request, response) => resolve(response.statusCode ?? 0));
    socket.once("error", reject);
  });
  socket.on("error", () => undefined);
  socket.terminate();
  if (status !== 101 && (status < 400 || status >= 500)) throw new Error(`answered ${status}`);
}
