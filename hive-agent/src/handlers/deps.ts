import type { ModelInfo } from "@rbee/contracts";
import type { Engines } from "../binaries/engines.ts";
import type { ModelCatalogue } from "../models/catalogue.ts";
import type { Provisioner } from "../models/provisioner.ts";
import type { WorkerSupervisor } from "../workers/supervisor.ts";
import type { Self } from "./self.ts";

/** What the handlers of a hive work with. */
export interface HandlerDeps {
  readonly hive_id: string;
  readonly catalogue: ModelCatalogue;
  readonly supervisor: WorkerSupervisor;
  readonly engines: Engines;
  readonly provisioner: Provisioner;
  /** A request may have a model fetched that is not here. */
  readonly pulls: boolean;
  readonly self: Self;
  /** Models came or went: resolves when the queen is being told, so that who hears of a job's end finds them there. */
  modelsChanged?(): Promise<void>;
  /** Round trip to the queen and back over the control socket, in milliseconds. */
  rtt(): Promise<number>;
}

/** The models of this hive, with whether a worker has them loaded. */
export async function modelInfos({
  catalogue,
  supervisor,
}: Pick<HandlerDeps, "catalogue" | "supervisor">): Promise<ModelInfo[]> {
  const models = await catalogue.list();
  return models.map((model) => ({ ...model, loaded: isLoaded(supervisor, model.id) }));
}

export const isLoaded = (supervisor: WorkerSupervisor, model: string): boolean => supervisor.ready(model).length > 0;
