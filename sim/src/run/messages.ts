export interface WorkerStart {
  readonly mutant: string | undefined;
}

/** Seeds to run. */
export interface Job {
  readonly from: number;
  readonly count: number;
}

export interface Report extends Job {
  steps: number;
  readonly failures: { readonly seed: number; readonly failure: string }[];
}
