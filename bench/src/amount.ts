/** How much of everything: `quick` gives figures within a minute, `full` gives steady ones. */
export interface Amount {
  readonly warm_jobs: number;
  readonly ttft_samples: number;
  readonly stream_seconds: number;
  readonly flood_tokens: number;
  readonly flood_rounds: number;
  readonly jobs_seconds: number;
  readonly ratio_rounds: number;
  readonly simulated_requests: number;
}

export const quick: Amount = {
  warm_jobs: 500,
  ttft_samples: 120,
  stream_seconds: 3,
  flood_tokens: 6_000,
  flood_rounds: 3,
  jobs_seconds: 3,
  ratio_rounds: 5,
  simulated_requests: 20_000,
};

export const full: Amount = {
  warm_jobs: 2_000,
  ttft_samples: 500,
  stream_seconds: 20,
  flood_tokens: 20_000,
  flood_rounds: 5,
  jobs_seconds: 15,
  ratio_rounds: 20,
  simulated_requests: 100_000,
};
