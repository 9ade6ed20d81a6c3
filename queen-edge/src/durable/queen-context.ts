import { RbeeError } from "@rbee/contracts";
import type { Env } from "../env.ts";
import type { QueenContext } from "../queen/answer.ts";
import { clockCheck, secretsCheck } from "../queen/checks.ts";
import { sha256Hex, toBase64Url } from "../seal.ts";
import { hubOf } from "./hub.ts";
import { registryOf } from "./ports.ts";

const TOKEN_BYTES = 24;

/** The platform behind the queen's own operations. */
export const queenContext = (env: Env, colony: string): QueenContext => ({
  status: () => registryOf(env, colony).status(colony),
  queue: (limit) => registryOf(env, colony).queue(limit),
  usage: (by, range) => registryOf(env, colony).usage(by, range),
  async mintToken(given) {
    // The colony is in the token, so that the machine that trades it needs to know nothing else.
    const token = `rbj_${colony}_${toBase64Url(crypto.getRandomValues(new Uint8Array(TOKEN_BYTES)))}`;
    await registryOf(env, colony).addToken(await sha256Hex(token), given);
    return token;
  },
  async retireWorker(worker_id, keep) {
    const answer = await registryOf(env, colony).retireWorker(colony, worker_id, keep);
    if ("problem" in answer) throw RbeeError.fromProblem(answer.problem);
    return answer.ok;
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
