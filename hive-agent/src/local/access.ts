import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { RbeeError } from "@rbee/contracts";
import { bearerOf } from "@rbee/job-http";
import { z } from "zod";

/** `local.json` in the agent's home, 0600: where its local server listens, and the key it wants to be shown. */
const Access = z.object({ url: z.url().optional(), key: z.string().min(32) });

const fileOf = (home: string): string => join(home, "local.json");
const KEY_BYTES = 32;

/** The key of the local server: made once, kept over restarts. */
export class LocalAccess {
  readonly key: string;
  readonly #home: string;
  readonly #digest: Buffer;

  constructor(home: string) {
    this.#home = home;
    this.key = readKey(home) ?? `rbl_${randomBytes(KEY_BYTES).toString("base64url")}`;
    this.#digest = digest(this.key);
  }

  /** Tells the keeper on this machine where to go. */
  announce(url: string): void {
    const file = fileOf(this.#home);
    writeFileSync(`${file}.new`, `${JSON.stringify({ url, key: this.key })}\n`, { mode: 0o600 });
    renameSync(`${file}.new`, file);
  }

  /** Nobody is there any more. The key stays, so that what was told of it stays true. */
  withdraw(): void {
    try {
      writeFileSync(fileOf(this.#home), `${JSON.stringify({ key: this.key })}\n`, { mode: 0o600 });
    } catch {
      rmSync(fileOf(this.#home), { force: true });
    }
  }

  /** @throws RbeeError unauthorized */
  check(headers: Headers): void {
    const sent = bearerOf(headers);
    if (sent === undefined || !timingSafeEqual(digest(sent), this.#digest)) {
      throw new RbeeError("unauthorized", `this hive wants the key that is in ${fileOf(this.#home)}`);
    }
  }
}

const digest = (text: string): Buffer => createHash("sha256").update(text).digest();

function readKey(home: string): string | undefined {
  try {
    return Access.parse(JSON.parse(readFileSync(fileOf(home), "utf8"))).key;
  } catch {
    // None yet, or one that cannot be used: a new one harms nobody.
    return undefined;
  }
}
