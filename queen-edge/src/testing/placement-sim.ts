import TinyQueue from "tinyqueue";
import type { OpenJob } from "../queen/want.ts";
import { FleetView } from "../queen/fleet-view.ts";
import { Occupancy } from "../queen/occupancy.ts";
import { choose } from "../queen/placement.ts";
import { WaitingLine } from "../queen/waiting-line.ts";
import { aHive, aModel, aWant, aWorker, seeded } from "./fleets.ts";

/** A fleet under load, in simulated time: how long requests wait for a slot under a policy of placing them. */
interface Scene {
  readonly hives: number;
  readonly requests: number;
  readonly seed: number;
  /** Share of the fleet's slots that would be busy if nothing waited. */
  readonly load: number;
}

interface Station {
  readonly hive_id: string;
  readonly worker_id: string;
  readonly model: string;
  readonly slots: number;
  /** Seconds of work per second. */
  readonly speed: number;
}

interface Request {
  readonly at: number;
  readonly model: string;
  readonly work: number;
}

interface Fleet {
  readonly stations: readonly Station[];
  readonly requests: readonly Request[];
}

const MODELS = 20;
const WORK_S = 8;

/** Machines of very different speed; few models that many want, and many that few do. */
function fleetOf({ hives, requests, seed, load }: Scene): Fleet {
  const random = seeded(seed);
  const weights = Array.from({ length: MODELS }, (_, i) => 1 / (i + 1));
  const sum = weights.reduce((a, b) => a + b);
  const pick = (): string => {
    let left = random() * sum;
    return `model-${Math.max(
      0,
      weights.findIndex((weight) => (left -= weight) < 0),
    )}`;
  };
  const stations = Array.from({ length: hives }, (_, i): Station => {
    const speed = [0.5, 1, 1, 2, 4][Math.floor(random() * 5)] ?? 1;
    // Each model is somewhere.
    const model = i < MODELS ? `model-${i}` : pick();
    return { hive_id: `hive-${i}`, worker_id: "worker-a-9100", model, slots: 1 + Math.floor(random() * 4), speed };
  });
  const power = new Map<string, number>();
  for (const { model, slots, speed } of stations) power.set(model, (power.get(model) ?? 0) + slots * speed);
  // What is asked of each model is in proportion to what serves it, so that all are equally loaded.
  const total = [...power.values()].reduce((a, b) => a + b);
  const models = [...power];
  const between = WORK_S / (total * load);
  let at = 0;
  const asked = Array.from({ length: requests }, (): Request => {
    at -= between * Math.log(1 - random());
    let left = random() * total;
    const [model] = models.find(([, share]) => (left -= share) < 0) ?? ["model-0"];
    return { at, model, work: -WORK_S * Math.log(1 - random()) };
  });
  return { stations, requests: asked };
}

type Event = { readonly at: number; readonly run: () => void };

/** Runs events in order of time. */
class Clock {
  now = 0;
  readonly #events = new TinyQueue<Event>([], (one, other) => one.at - other.at);

  at(at: number, run: () => void): void {
    this.#events.push({ at, run });
  }

  /** @param arrivals moments in order, each with its number */
  run(arrivals: readonly Request[], arrive: (request: Request, n: number) => void): void {
    const next = (n: number): void => {
      const request = arrivals[n];
      if (request === undefined) return;
      this.at(request.at, () => {
        arrive(request, n);
        next(n + 1);
      });
    };
    next(0);
    for (let event = this.#events.pop(); event !== undefined; event = this.#events.pop()) {
      this.now = event.at;
      event.run();
    }
  }
}

/** Seconds that each request waited. */
export type Policy = (scene: Scene) => Float64Array;

/** What the registry does: `choose`, and one line for those who must wait. */
export const ours: Policy = (scene) => {
  const { stations, requests } = fleetOf(scene);
  const fleet = new FleetView(
    stations.map(({ hive_id, worker_id, model, slots }) =>
      aHive(hive_id, { models: [aModel({ id: model })], workers: [aWorker({ worker_id, model, slots })] }),
    ),
  );
  const speeds = new Map(stations.map(({ hive_id, speed }) => [hive_id, speed]));
  const occupancy = new Occupancy();
  const line = new WaitingLine();
  const clock = new Clock();
  const waits = new Float64Array(requests.length);
  const start = (job: OpenJob, hive_id: string): void => {
    const { want, placement = { hive_id } } = job;
    const request = requests[job.rank];
    if (request === undefined) return;
    waits[job.rank] = clock.now - request.at;
    occupancy.add(want, placement);
    clock.at(clock.now + request.work / (speeds.get(hive_id) ?? 1), () => {
      occupancy.remove(want, placement);
      serve();
    });
  };
  const serve = (): void =>
    line.serve((job) => {
      const choice = choose(job.want, fleet, { occupancy });
      if (choice.kind !== "place") return "blocked";
      line.remove(job);
      start({ ...job, placement: choice.placement }, choice.placement.hive_id);
      return "placed";
    });
  clock.run(requests, ({ model }, rank) => {
    const want = aWant({ model });
    const choice = choose(want, fleet, { occupancy });
    const job: OpenJob = { rank, want, term: 0, placement: undefined, since: 0 };
    if (choice.kind === "place") start({ ...job, placement: choice.placement }, choice.placement.hive_id);
    else line.add(job);
  });
  return waits;
};

/** Each request goes to a worker at once and waits there, as behind a common load balancer. */
const byWorker =
  (
    policy: (candidates: readonly Station[], held: (station: Station) => number, random: () => number) => Station,
  ): Policy =>
  (scene) => {
    const { stations, requests } = fleetOf(scene);
    const random = seeded(scene.seed + 1);
    const clock = new Clock();
    const waits = new Float64Array(requests.length);
    const byModel = Map.groupBy(stations, ({ model }) => model);
    const queues = new Map(stations.map((station) => [station, { busy: 0, waiting: [] as number[] }]));
    const held = (station: Station): number => {
      const { busy = 0, waiting = [] } = queues.get(station) ?? {};
      return (busy + waiting.length) / station.slots;
    };
    const next = (station: Station): void => {
      const queue = queues.get(station) ?? { busy: 0, waiting: [] };
      while (queue.busy < station.slots && queue.waiting.length > 0) {
        const n = queue.waiting.shift() ?? 0;
        const { at = 0, work = 0 } = requests[n] ?? {};
        waits[n] = clock.now - at;
        queue.busy++;
        clock.at(clock.now + work / station.speed, () => {
          queue.busy--;
          next(station);
        });
      }
    };
    clock.run(requests, ({ model }, n) => {
      const station = policy(byModel.get(model) ?? stations, held, random);
      queues.get(station)?.waiting.push(n);
      next(station);
    });
    return waits;
  };

const any = (stations: readonly Station[], random: () => number): Station =>
  stations[Math.floor(random() * stations.length)] as Station;

export const atRandom: Policy = byWorker((stations, _held, random) => any(stations, random));

export const twoChoices: Policy = byWorker((stations, held, random) => {
  const [one, other] = [any(stations, random), any(stations, random)];
  return held(one) <= held(other) ? one : other;
});

export const roundRobin: Policy = (scene) => {
  const turns = new Map<string, number>();
  return byWorker((stations) => {
    const { model } = stations[0] as Station;
    const turn = turns.get(model) ?? 0;
    turns.set(model, turn + 1);
    return stations[turn % stations.length] as Station;
  })(scene);
};

/** @param part 0 to 1 */
export function quantileOf(waits: Float64Array, part: number): number {
  const sorted = waits.toSorted();
  return sorted[Math.floor(part * (sorted.length - 1))] ?? Number.NaN;
}
