import type { HandlerEvent, Progress } from "@rbee/contracts";
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "vitest";
import { silentLog } from "../../log.ts";
import { openModels, type Models } from "../open-models.ts";
import type { ModelPolicy } from "../policy.ts";
import type { Provisioned, ProvisionerOptions, Request } from "../provisioner.ts";
import { startHub, type TestHub } from "./hub.ts";

export const beeTinyFile = fileURLToPath(new URL("../../../../models/bee-tiny/bee-tiny.f16.gguf", import.meta.url));
export const beeTiny: Buffer = readFileSync(beeTinyFile);

/** A real model with so many bytes behind its tensors, unlike any other. */
export const padded = (bytes: number): Buffer => Buffer.concat([beeTiny, randomBytes(bytes)]);

/** Retries at once, small pieces, and a disk that may be filled. */
export const quick: Partial<ProvisionerOptions> = {
  patience: { tries: 4, min_ms: 1, max_ms: 5 },
  segment_bytes: 524_288,
  headroom_bytes: 0,
  idle_ms: 1_000,
};

/** A hub and the models of one agent, in folders of their own. */
export class Stand {
  readonly home: string;
  readonly hub: TestHub;
  models: Models;
  readonly #open: (tuning?: Partial<ProvisionerOptions>) => Models;

  private constructor(home: string, hub: TestHub, policy: Partial<ModelPolicy>) {
    this.home = home;
    this.hub = hub;
    const whole: ModelPolicy = { endpoint: new URL(hub.url), allowPrivate: false, roots: [], ...policy };
    this.#open = (tuning = {}) =>
      openModels({ home, dirs: [], files: [], policy: whole, log: silentLog, tuning: { ...quick, ...tuning } });
    this.models = this.#open();
  }

  static async open(policy: Partial<ModelPolicy> = {}): Promise<Stand> {
    // A folder around it that is as much the test's own: what got out of the home can be seen there.
    const home = path.join(await mkdtemp(path.join(os.tmpdir(), "rbee-provision-")), "home");
    await mkdir(path.join(home, "models"), { recursive: true });
    return new Stand(home, await startHub(), policy);
  }

  /** Another agent over the same home, as after a restart. */
  async again(tuning?: Partial<ProvisionerOptions>): Promise<void> {
    await this.models.close();
    this.models = this.#open(tuning);
  }

  async provide(request: Request | string, signal?: AbortSignal): Promise<Provisioned & { events: HandlerEvent[] }> {
    const asked = typeof request === "string" ? { model: request } : request;
    return await drain(this.models.provisioner.provide(asked, signal ?? new AbortController().signal));
  }

  /** Resolves when part of the only model is on this disk: what left the hub may still be on its way. */
  async partIsThere(): Promise<void> {
    const part = async () => (await this.models.catalogue.list())[0]?.percent;
    await expect.poll(part).toBeGreaterThan(0);
  }

  /** Fetches it until the hub has sent so much and part of it is on this disk. */
  async provideUntil(sent_bytes: number, model: string): Promise<void> {
    const cancel = new AbortController();
    this.hub.onPiece = async (sent) => {
      if (sent <= sent_bytes) return;
      await this.partIsThere().then(
        () => cancel.abort(new Error("cancelled")),
        (error: unknown) => cancel.abort(error),
      );
    };
    await expect(this.provide(model, cancel.signal)).rejects.toThrow("cancelled");
    this.hub.onPiece = undefined;
  }

  /** Every file below the home, but for the database. */
  async files(): Promise<string[]> {
    const entries = await readdir(this.home, { withFileTypes: true, recursive: true });
    const files = entries.filter((entry) => !entry.isDirectory());
    const names = files.map((entry) => path.relative(this.home, path.join(entry.parentPath, entry.name)));
    return names.filter((name) => !name.startsWith("models.db")).toSorted();
  }

  async close(): Promise<void> {
    await this.models.close();
    await this.hub.close();
    await rm(path.dirname(this.home), { recursive: true, force: true });
  }
}

export async function drain<R extends object>(
  steps: AsyncGenerator<HandlerEvent, R, void>,
): Promise<R & { events: HandlerEvent[] }> {
  const events: HandlerEvent[] = [];
  for (;;) {
    const step = await steps.next();
    if (step.done === true) return { ...step.value, events };
    events.push(step.value);
  }
}

export const progressOf = (events: readonly HandlerEvent[]): Progress[] =>
  events.filter((event) => event.type === "progress");
