import type { OperationName, OperationRequest, OperationResult, WorkerType } from "@rbee/contracts";
import { useMemo } from "react";
import { useJobSubmit, type JobSubmit, type JobSubmitOptions } from "./use-job-submit.ts";

type Answer<K extends OperationName> = Promise<OperationResult<K> | undefined>;
type WorkerKind = NonNullable<OperationRequest<"worker_spawn">["worker"]>;

interface Model {
  readonly modelId: string;
}
interface Engine {
  readonly workerType: WorkerType;
}
interface Place {
  /** `auto`, `cpu`, `cuda:0`, … */
  readonly deviceId?: string | undefined;
  readonly slots?: number | undefined;
  readonly context?: number | undefined;
}

/** What can be done on one hive, each with the result of its job; `undefined`: `error` says why not. */
export interface HiveOperations extends Omit<JobSubmit, "submitJob"> {
  readonly downloadModel: (wanted: Model & { readonly revision?: string }) => Answer<"model_download">;
  readonly loadModel: (wanted: Model & Place) => Answer<"model_load">;
  readonly unloadModel: (wanted: Model) => Answer<"model_unload">;
  readonly deleteModel: (wanted: Model & { readonly force?: boolean }) => Answer<"model_delete">;
  readonly runModel: (wanted: Model & Place) => Answer<"model_run">;
  /** `workerType` is an engine's name, or only what it computes on. */
  readonly spawnWorker: (
    wanted: Model & Place & { readonly workerType?: WorkerType | WorkerKind },
  ) => Answer<"worker_spawn">;
  readonly stopWorker: (wanted: { readonly workerId: string }) => Answer<"worker_process_delete">;
  readonly retireWorker: (wanted: {
    readonly workerId: string;
    readonly keep?: boolean;
  }) => Answer<"active_worker_retire">;
  readonly installWorker: (wanted: Engine) => Answer<"worker_download">;
  readonly buildWorker: (wanted: Engine) => Answer<"worker_build">;
  readonly removeWorker: (wanted: Engine) => Answer<"worker_binary_delete">;
  readonly refreshDevices: () => Answer<"hive_refresh_capabilities">;
  readonly checkHive: () => Answer<"hive_check">;
}

/** The operations of one hive by name, one at a time, with what the newest one says. @param hiveId the only one, unless given */
export function useHiveOperations(hiveId?: string, options: JobSubmitOptions = {}): HiveOperations {
  const { submitJob, ...job } = useJobSubmit(options);
  const operations = useMemo(() => operationsOn(hiveId, submitJob), [hiveId, submitJob]);
  return { ...job, ...operations };
}

function operationsOn(
  hiveId: string | undefined,
  submit: JobSubmit["submitJob"],
): Omit<HiveOperations, keyof JobSubmit> {
  const on = hiveId === undefined ? {} : { hive_id: hiveId };
  return {
    downloadModel: ({ modelId, ...rest }) => submit({ operation: "model_download", ...on, model: modelId, ...rest }),
    loadModel: ({ modelId, ...place }) => submit({ operation: "model_load", ...on, id: modelId, ...wishes(place) }),
    unloadModel: ({ modelId }) => submit({ operation: "model_unload", ...on, id: modelId }),
    deleteModel: ({ modelId, ...rest }) => submit({ operation: "model_delete", ...on, id: modelId, ...rest }),
    runModel: ({ modelId, ...place }) => submit({ operation: "model_run", ...on, model: modelId, ...wishes(place) }),
    spawnWorker: ({ modelId, workerType = "auto", ...place }) =>
      submit({ operation: "worker_spawn", ...on, model: modelId, worker: kindOf(workerType), ...wishes(place) }),
    stopWorker: ({ workerId }) => submit({ operation: "worker_process_delete", ...on, worker_id: workerId }),
    retireWorker: ({ workerId, ...rest }) =>
      submit({ operation: "active_worker_retire", worker_id: workerId, ...rest }),
    installWorker: ({ workerType }) => submit({ operation: "worker_download", ...on, worker_type: workerType }),
    buildWorker: ({ workerType }) => submit({ operation: "worker_build", ...on, worker_type: workerType }),
    removeWorker: ({ workerType }) => submit({ operation: "worker_binary_delete", ...on, worker_type: workerType }),
    refreshDevices: () => submit({ operation: "hive_refresh_capabilities", ...on }),
    checkHive: () => submit({ operation: "hive_check", ...on }),
  };
}

const wishes = ({ deviceId, slots, context }: Place) => ({
  ...(deviceId === undefined ? {} : { device: deviceId }),
  ...(slots === undefined ? {} : { slots }),
  ...(context === undefined ? {} : { context }),
});

const kindOf = (type: WorkerType | WorkerKind): WorkerKind => type.replace(/-llm-worker$/, "") as WorkerKind;
