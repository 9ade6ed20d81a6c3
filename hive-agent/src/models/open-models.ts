import { createHash } from "node:crypto";
import { mkdirSync } from "node:fs";
import path from "node:path";
import type { Log } from "../log.ts";
import { openDatabase } from "../storage/open.ts";
import { ModelCatalogue } from "./catalogue.ts";
import { ModelRows } from "./model-rows.ts";
import { plainPolicy, type ModelPolicy } from "./policy.ts";
import { Provisioner, type ProvisionerOptions } from "./provisioner.ts";

export interface Models {
  readonly catalogue: ModelCatalogue;
  readonly provisioner: Provisioner;
  /** Ends all downloads; their parts stay. */
  close(): Promise<void>;
}

export interface ModelsOptions {
  /** The agent's home: what does not come from the hub is kept in `<home>/models`, what was learnt in `<home>/models.db`. */
  readonly home: string;
  readonly dirs: readonly string[];
  readonly files: readonly string[];
  readonly policy?: ModelPolicy | undefined;
  readonly log: Log;
  /** For tests: smaller pieces, shorter waits. */
  readonly tuning?: Partial<ProvisionerOptions>;
}

/** The models of one agent. One per home. @throws RbeeError */
export function openModels({ home, dirs, files, policy = plainPolicy, log, tuning }: ModelsOptions): Models {
  const models_dir = path.join(home, "models");
  const hub_dir = policy.hub_dir ?? path.join(home, "hub");
  mkdirSync(models_dir, { recursive: true });
  const rows = new ModelRows(openDatabase(path.join(home, "models.db"), log));
  const catalogue = new ModelCatalogue({
    // A folder that was named by hand may be the same.
    dirs: [...new Set([...dirs.map((dir) => path.resolve(dir)), models_dir])],
    files,
    roots: [{ kind: "hub", dir: hub_dir }, ...policy.roots],
    rows,
  });
  const tag = createHash("sha256").update(home).digest("hex").slice(0, 8);
  const provisioner = new Provisioner({ ...policy, catalogue, models_dir, hub_dir, tag, ...tuning });
  const close = async () => {
    await provisioner.close();
    rows.close();
  };
  return { catalogue, provisioner, close };
}
