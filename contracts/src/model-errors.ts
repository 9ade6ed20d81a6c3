import type { ErrorRow } from "./error-row.ts";

/** What can be wrong with a model, and with getting one. */
export const modelErrors = {
  model_not_found: {
    status: 404,
    exit: 3,
    retryable: false,
    title: "No hive has this model",
    help: "`rbee models list` shows what is there, `rbee models search` what could be, `rbee models pull` fetches it.",
  },
  model_invalid: {
    status: 422,
    exit: 6,
    retryable: false,
    title: "The model file is damaged or not a GGUF",
    help: "Remove it and fetch it again, or fetch another.",
  },
  model_load_failed: {
    status: 502,
    exit: 6,
    retryable: false,
    title: "The engine could not load the model",
    help: "See `detail` for the engine's last lines.",
  },
  model_in_use: {
    status: 409,
    exit: 4,
    retryable: true,
    title: "The model is loaded",
    help: "`rbee models unload` lets its workers finish and stops them; --force (`force`) stops them at once.",
  },
  download_failed: {
    status: 502,
    exit: 5,
    retryable: true,
    title: "It could not be fetched",
    help: "Try again: what is there already is kept. See `detail` for what went wrong.",
  },
  hub_refused: {
    status: 403,
    exit: 4,
    retryable: false,
    title: "The hub does not give this model to this hive",
    help: "Accept the model's terms on its page and start the hive's agent with HF_TOKEN.",
  },
  address_refused: {
    status: 403,
    exit: 4,
    retryable: false,
    title: "This hive does not fetch from that address",
    help: "Only public https addresses are fetched, unless the hive's owner sets HF_ENDPOINT or RBEE_ALLOW_PRIVATE_URLS=1; other servers, if RBEE_SERVER_HOSTS names them.",
  },
  disk_full: {
    status: 507,
    exit: 5,
    retryable: true,
    title: "The hive's disk is full",
    help: "Free some space, then try again: what is there already is kept.",
  },
} as const satisfies Record<string, ErrorRow>;
