import { drainMicrotasks } from "./microtasks.ts";

/** Something that happens at a time; without `run` it was called off. */
export interface Happening {
  readonly time: number;
  readonly order: number;
  run: (() => void) | undefined;
}

/** Whoever ran code in a happening and has something to finish after it. */
export interface Turn {
  endTurn(): void;
}

/** Virtual time: one happening after the other, in order of time and then of planning; each runs to its last microtask. */
export class Schedule {
  /** Milliseconds since the world began. */
  now = 0;
  steps = 0;
  readonly #heap: Happening[] = [];
  #order = 0;
  #turn: Turn | undefined;

  after(ms: number, run: () => void): Happening {
    return this.at(this.now + Math.max(0, ms), run);
  }

  at(time: number, run: () => void): Happening {
    const happening: Happening = { time: Math.max(time, this.now), order: this.#order++, run };
    this.#push(happening);
    return happening;
  }

  /** Code of this one runs in the current happening. One only: nothing but messages goes from one to another. */
  enter(turn: Turn): void {
    if (this.#turn !== undefined && this.#turn !== turn) throw new Error("two turns in one happening");
    this.#turn = turn;
  }

  /** Whose code runs. */
  get turn(): Turn | undefined {
    return this.#turn;
  }

  /** @returns false when nothing is left */
  step(): boolean {
    const next = this.#pop();
    if (next === undefined) return false;
    const { run } = next;
    if (run === undefined) return true;
    this.now = next.time;
    this.steps++;
    run();
    drainMicrotasks();
    const turn = this.#turn;
    this.#turn = undefined;
    turn?.endTurn();
    return true;
  }

  #push(item: Happening): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(item);
    while (at > 0) {
      const up = (at - 1) >> 1;
      const parent = heap[up] as Happening;
      if (before(parent, item)) break;
      heap[at] = parent;
      at = up;
    }
    heap[at] = item;
  }

  #pop(): Happening | undefined {
    const heap = this.#heap;
    const top = heap[0];
    const last = heap.pop();
    if (top === undefined || last === undefined || top === last) return top;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1] as Happening, heap[child] as Happening)) child++;
      if (before(last, heap[child] as Happening)) break;
      heap[at] = heap[child] as Happening;
      at = child;
    }
    heap[at] = last;
    return top;
  }
}

const before = (a: Happening, b: Happening): boolean => a.time < b.time || (a.time === b.time && a.order < b.order);
