export type {
  ActiveWorker,
  CancelAnswer,
  ChatMessage,
  ErrorCode,
  HiveInfo,
  JobEvent,
  JobLine,
  JobState,
  JobView,
  ModelInfo,
  OperationName,
  OperationRequest,
  OperationResult,
  Problem,
  Submitted,
} from "@rbee/contracts";
export { JobClient, type OnDisconnect, type RunOptions, type StartOptions, type SubmitOptions } from "./client.ts";
export { RbeeError, type ProblemFields } from "./error.ts";
export { Job, isLast, type PositionedEvent, type StreamOptions } from "./job.ts";
export type { TransportOptions } from "./transport.ts";
