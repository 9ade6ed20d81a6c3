import { newApiKey } from "../api-key.ts";
import type { Env } from "../env.ts";
import type { QueenContext } from "../queen/answer.ts";
import { clockCheck, secretsCheck } from "../queen/checks.ts";
import { sha256Hex, toBase64Url } from "../seal.ts";
import { okOf } from "./answers.ts";
import { hubOf } from "./hub.ts";
import { registryOf } from "./ports.ts";

const TOKEN_BYTES = 24;
/** Two keys of one name have different ids. */
const KEY_ID_LETTERS = 6;

/** The platform behind the queen's own operations. @param asked in which colony, and at which address */
export const queenContext = (env: Env, { colony, origin }: { colony: string; origin: string }): QueenContext => ({
  origin,
  status: () => registryOf(env, colony).status(colony),
  queue: (limit) => registryOf(env, colony).queue(limit),
  usage: (by, range) => registryOf(env, colony).usage(by, range),
  async mintToken(given) {
    // The colony is in the token, so that the machine that trades it needs to know nothing else.
    const token = `rbj_${colony}_${toBase64Url(crypto.getRandomValues(new Uint8Array(TOKEN_BYTES)))}`;
    await registryOf(env, colony).addToken(await sha256Hex(token), given);
    return token;
  },
  async makeKey(given) {
    const key = await newApiKey(env.RBEE_SECRET ?? "", colony);
    const key_id = `${given.name}-${letters(KEY_ID_LETTERS)}`;
    return { ...okOf(await registryOf(env, colony).addKey(colony, await sha256Hex(key), { key_id, ...given })), key };
  },
  keys: () => registryOf(env, colony).keys(),
  async revokeKey(key_id) {
    okOf(await registryOf(env, colony).revokeKey(colony, key_id));
  },
  async retireWorker(worker_id, keep) {
    return okOf(await registryOf(env, colony).retireWorker(colony, worker_id, keep));
  },
  async check() {
    return [
      ...(await registryOf(env, colony).check(colony)),
      secretsCheck(env),
      clockCheck(Date.now(), new Date().toISOString()),
    ];
  },
  hub: hubOf(env),
  now: () => Date.now(),
});

const letters = (count: number): string =>
  Array.from(crypto.getRandomValues(new Uint8Array(count)), (byte) => (byte % 32).toString(32)).join("");
