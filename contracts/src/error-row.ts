/** What a code means to each kind of caller. `retryable`: the same request may succeed later, unchanged. */
export interface ErrorRow {
  /** HTTP status of `application/problem+json`. */
  readonly status: number;
  /** Exit code of the keeper: 2 usage, 3 not found, 4 refused, 5 try later, 6 failed, 130 cancelled. */
  readonly exit: number;
  readonly retryable: boolean;
  readonly title: string;
  /** The next step, in words a person can act on. */
  readonly help: string;
}
