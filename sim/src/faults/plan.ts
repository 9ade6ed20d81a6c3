/** Faults that strike the n-th of something that happens: close to the action, wherever that is in time. */
export type CountedFault =
  | { readonly kind: "drop" | "duplicate" | "truncate"; readonly n: number }
  /** The message says everything twice. */
  | { readonly kind: "doubled"; readonly n: number }
  /** `repeated`: an operation comes again; any other message does not. */
  | { readonly kind: "stall" | "overtaken" | "repeated"; readonly n: number; readonly ms: number }
  | { readonly kind: "commit_lost"; readonly n: number }
  | { readonly kind: "commit_slow"; readonly n: number; readonly ms: number }
  /** With `method` the n-th call of that. */
  | { readonly kind: "call_lost" | "answer_lost"; readonly n: number; readonly method?: string }
  /** `answer_slow`: the answer is. */
  | {
      readonly kind: "call_slow" | "answer_slow";
      readonly n: number;
      readonly ms: number;
      readonly method?: string;
    }
  | { readonly kind: "alarm_late" | "alarm_early" | "alarm_twice"; readonly n: number; readonly ms: number }
  | {
      readonly kind: "crash_before_journal" | "crash_after_journal";
      readonly n: number;
      readonly down_ms: number;
      readonly worker_gone: boolean;
    };

/** Faults at a time. `hive`, `job` and `pick` are indices, taken modulo what there is. */
export type TimedFault =
  | { readonly kind: "cut"; readonly at: number; readonly pick: number }
  | {
      readonly kind: "half_open";
      readonly at: number;
      readonly pick: number;
      readonly client_ms: number;
      readonly server_ms: number | undefined;
    }
  /** Somebody sends a hive's connect request again, or connects with the credential of before it joined anew. */
  | { readonly kind: "replayed" | "outdated"; readonly at: number; readonly hive: number }
  | { readonly kind: "evict" | "hibernate"; readonly at: number; readonly pick: number }
  | { readonly kind: "deploy"; readonly at: number }
  | {
      readonly kind: "kill";
      readonly at: number;
      readonly hive: number;
      readonly down_ms: number;
      readonly worker_gone: boolean;
    }
  | { readonly kind: "power"; readonly at: number; readonly hive: number; readonly down_ms: number }
  | { readonly kind: "pause" | "suspend"; readonly at: number; readonly hive: number; readonly ms: number }
  | { readonly kind: "disk_full" | "partition"; readonly at: number; readonly hive: number; readonly ms: number }
  | { readonly kind: "drain"; readonly at: number; readonly hive: number; readonly down_ms: number }
  | { readonly kind: "hive_clock"; readonly at: number; readonly hive: number; readonly ms: number }
  /** Without `back_ms` it stays where it jumped to. */
  | { readonly kind: "queen_clock"; readonly at: number; readonly ms: number; readonly back_ms: number | undefined };

export type Fault = CountedFault | TimedFault;

type Of<K> = Extract<CountedFault, { kind: K }>;
type FrameFault = Of<"drop" | "duplicate" | "truncate"> | Of<"doubled"> | Of<"stall" | "overtaken" | "repeated">;
type CommitFault = Of<"commit_lost"> | Of<"commit_slow">;
type CallFault = Of<"call_lost" | "answer_lost"> | Of<"call_slow" | "answer_slow">;
type AlarmFault = Of<"alarm_late" | "alarm_early" | "alarm_twice">;
type JournalFault = Of<"crash_before_journal" | "crash_after_journal">;

/** Counts, and says whether the next one is struck. */
class Counter<F extends { n: number }> {
  /** Most worlds have faults of one kind or two. */
  #faults: Map<number, F> | undefined;
  #count = 0;

  add(fault: F): void {
    this.#faults = (this.#faults ?? new Map<number, F>()).set(fault.n, fault);
  }

  next(): F | undefined {
    const n = this.#count++;
    return this.#faults?.get(n);
  }
}

/** What a scenario has in store, by what it strikes. */
export class Faults {
  readonly #frames = new Counter<FrameFault>();
  readonly #commits = new Counter<CommitFault>();
  readonly #calls = new Counter<CallFault>();
  readonly #callsOf = new Map<string, Counter<CallFault>>();
  readonly #alarms = new Counter<AlarmFault>();
  readonly #journal = new Counter<JournalFault>();
  readonly timed: readonly TimedFault[];

  constructor(faults: readonly Fault[]) {
    this.timed = faults.filter((fault): fault is TimedFault => "at" in fault);
    for (const fault of faults) if (!("at" in fault)) this.#add(fault);
  }

  frame = (): FrameFault | undefined => this.#frames.next();
  commit = (): CommitFault | undefined => this.#commits.next();
  call(method: string): CallFault | undefined {
    const any = this.#calls.next();
    return this.#callsOf.get(method)?.next() ?? any;
  }
  alarm = (): AlarmFault | undefined => this.#alarms.next();
  journal = (): JournalFault | undefined => this.#journal.next();

  #add(fault: CountedFault): void {
    switch (fault.kind) {
      case "drop":
      case "duplicate":
      case "truncate":
      case "doubled":
      case "stall":
      case "overtaken":
      case "repeated":
        return this.#frames.add(fault);
      case "commit_lost":
      case "commit_slow":
        return this.#commits.add(fault);
      case "call_lost":
      case "answer_lost":
      case "call_slow":
      case "answer_slow":
        return this.#callsBy(fault.method).add(fault);
      case "alarm_late":
      case "alarm_early":
      case "alarm_twice":
        return this.#alarms.add(fault);
      case "crash_before_journal":
      case "crash_after_journal":
        return this.#journal.add(fault);
    }
  }

  #callsBy(method: string | undefined): Counter<CallFault> {
    if (method === undefined) return this.#calls;
    const counter = this.#callsOf.get(method) ?? new Counter<CallFault>();
    this.#callsOf.set(method, counter);
    return counter;
  }
}
