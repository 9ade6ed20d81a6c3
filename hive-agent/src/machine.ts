import { limits, RbeeError } from "@rbee/contracts";
import { Engines } from "./binaries/engines.ts";
import { probeDevices } from "./devices/devices.ts";
import { createHandlers } from "./handlers/create.ts";
import type { Self } from "./handlers/self.ts";
import type { HiveHandlers } from "./jobs/handler.ts";
import type { Log } from "./log.ts";
import { openModels, type Models } from "./models/open-models.ts";
import type { ModelCatalogue } from "./models/catalogue.ts";
import type { ModelPolicy } from "./models/policy.ts";
import { selfChecks } from "./self/checks.ts";
import { Stock } from "./stock.ts";
import type { NodeSql } from "./storage/node-sql.ts";
import type { WorkerKinds } from "./workers/kinds.ts";
import { WorkerSupervisor } from "./workers/supervisor.ts";

const AGENT_VERSION = "0.1.0";

export interface MachineOptions {
  readonly hive_id: string;
  readonly home: string;
  readonly queen_url: string;
  readonly sql: NodeSql;
  readonly model_dirs: readonly string[];
  readonly model_files: readonly string[];
  readonly model_policy?: ModelPolicy;
  readonly slots?: number;
  /** Seconds that what a request loads stays when idle. */
  readonly keep_alive?: number;
  readonly kinds?: WorkerKinds;
  readonly log: Log;
}

/** What a machine needs of its line to the queen. */
export interface QueenLine {
  /** What this machine has may be different now. */
  readonly changed: () => void;
  /** Tells the queen now what changed, before anything that is said after. */
  readonly tell: () => void;
  /** Round trip to the queen and back, in milliseconds, if she answers. */
  readonly rtt: () => Promise<number | undefined>;
}

/** Everything on this machine that a job can be about: devices, engines, models, workers; and the handlers over them. */
export class Machine {
  readonly catalogue: ModelCatalogue;
  readonly supervisor: WorkerSupervisor;
  readonly stock: Stock;
  readonly handlers: HiveHandlers;
  readonly #models: Models;

  constructor(options: MachineOptions, line: QueenLine) {
    const { hive_id, home, slots, kinds, log, keep_alive } = options;
    const { model_dirs: dirs, model_files: files, model_policy: policy } = options;
    this.#models = openModels({ home, dirs, files, policy, log });
    const { catalogue, provisioner } = this.#models;
    this.catalogue = catalogue;
    const engines = new Engines({ home, devices: probeDevices, workers: () => this.supervisor.list() });
    const devices = async () => engines.devices();
    this.supervisor = new WorkerSupervisor({
      hive_id,
      slots,
      keep_alive,
      log,
      home,
      engines: engines.store,
      devices,
      catalogue,
      onChange: () => this.stock.workersChanged(),
      ...(kinds === undefined ? {} : { kinds }),
    });
    const { supervisor } = this;
    const version = AGENT_VERSION;
    const slots_default = slots ?? limits.slots_default;
    const pulls = policy?.pull === true;
    this.stock = new Stock({ version, slots_default, pulls, catalogue, supervisor, devices, changed: line.changed });
    const rtt = async () => (await line.rtt()) ?? fail("the queen did not answer");
    const modelsChanged = async () => {
      await this.stock.modelsChanged();
      line.tell();
    };
    const self = this.#self(options, { engines, line, rtt });
    const deps = { hive_id, catalogue, supervisor, engines, provisioner, pulls, self, modelsChanged, rtt };
    this.handlers = createHandlers(deps);
  }

  /** Finds what an earlier agent left, and looks at what there is. */
  async start(): Promise<void> {
    await Promise.all([this.supervisor.adopt(), this.stock.start()]);
  }

  /** Ends what needs no worker; those are the supervisor's. */
  stop(): void {
    this.stock.stop();
    void this.#models.close();
  }

  #self(
    { home, queen_url, sql }: MachineOptions,
    { engines, line, rtt }: { engines: Engines; line: QueenLine; rtt: () => Promise<number> },
  ): Self {
    const { catalogue } = this;
    const devices = async () => engines.devices();
    const engineFor: Parameters<typeof selfChecks>[0]["engineFor"] = (kind) => engines.store.packageOf(kind);
    return {
      lookAgain: async () => {
        const found = await this.stock.lookAgain();
        line.tell();
        return found;
      },
      checks: selfChecks({ home, queen_url, sql, catalogue, devices, engineFor, rtt }),
    };
  }
}

function fail(detail: string): never {
  throw new RbeeError("unavailable", detail);
}
