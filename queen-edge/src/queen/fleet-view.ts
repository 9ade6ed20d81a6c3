import { limits, type ModelInfo, type WorkerInfo } from "@rbee/contracts";
import type { Fleet, Hive } from "./fleet.ts";
import { names } from "./model-names.ts";
import type { WorkerBook } from "./worker-book.ts";

/** What one hive has of one model. */
export interface Offer {
  readonly hive: Hive;
  /** Its workers that have the model; a retired one is draining, whatever its hive says. */
  readonly workers: readonly WorkerInfo[];
  /** Its files of that model that are whole. */
  readonly files: readonly ModelInfo[];
  /** The hive does not know yet that a worker of the model retired: it would give it what it may place itself. */
  readonly closing: boolean;
}

/** The fleet at one moment as far as placing is concerned. Made anew when a hive or a retirement changes. */
export class FleetView {
  readonly hives: readonly Hive[];
  readonly #isRetired: (hive_id: string, worker: WorkerInfo) => boolean;
  readonly #byId: ReadonlyMap<string, Hive>;
  readonly #offers = new Map<string, readonly Offer[]>();

  constructor(hives: readonly Hive[], isRetired: (hive_id: string, worker: WorkerInfo) => boolean = () => false) {
    this.hives = hives;
    this.#isRetired = isRetired;
    this.#byId = new Map(hives.map((hive) => [hive.hive_id, hive]));
  }

  find(hive_id: string): Hive | undefined {
    return this.#byId.get(hive_id);
  }

  /** The fleet less one hive. */
  without(hive_id: string): FleetView {
    const others = this.hives.filter((hive) => hive.hive_id !== hive_id);
    return new FleetView(others, this.#isRetired);
  }

  /** Hives that have a model, loaded or on disk, connected or not. */
  offers(model: string): readonly Offer[] {
    const known = this.#offers.get(model);
    if (known !== undefined) return known;
    const found = this.hives.flatMap((hive) => this.#offerOf(hive, model));
    if (this.#offers.size >= limits.models_remembered_max) this.#offers.clear();
    this.#offers.set(model, found);
    return found;
  }

  #offerOf(hive: Hive, model: string): Offer[] {
    const { workers = [], models = [] } = hive.inventory ?? {};
    const files = models.filter((file) => file.status === "ready" && names(model, file.id));
    const own = workers.filter((worker) => names(model, worker.model));
    if (files.length === 0 && own.length === 0) return [];
    const retired = own.filter((worker) => worker.state === "ready" && this.#isRetired(hive.hive_id, worker));
    const shown = own.map((worker) => (retired.includes(worker) ? { ...worker, state: "draining" as const } : worker));
    return [{ hive, workers: shown, files, closing: retired.length > 0 }];
  }
}

/** The fleet as far as new work is concerned: a retired worker takes none, whatever its hive says. */
export class Placeable {
  readonly #fleet: Fleet;
  readonly #book: WorkerBook;
  #last: { readonly revision: number; readonly view: FleetView } | undefined;

  constructor(fleet: Fleet, book: WorkerBook) {
    this.#fleet = fleet;
    this.#book = book;
  }

  get view(): FleetView {
    const revision = this.#fleet.revision + this.#book.revision;
    if (this.#last?.revision !== revision) {
      const view = new FleetView(this.#fleet.all(), (hive_id, worker) => this.#book.isRetired(hive_id, worker));
      this.#last = { revision, view };
    }
    return this.#last.view;
  }
}
