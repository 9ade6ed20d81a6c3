export type {
  ActiveWorker,
  CancelAnswer,
  ChatMessage,
  Check,
  ErrorCode,
  FleetState,
  FleetTotals,
  Heartbeat,
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
export { Call, type CallOptions } from "./call.ts";
export { JobClient, type OnDisconnect, type RunOptions, type StartOptions, type SubmitOptions } from "./client.ts";
export { HiveClient, OperationBuilder } from "./hive-client.ts";
export type { HeartbeatOptions } from "./heartbeats.ts";
export { RbeeError, type ProblemFields } from "./error.ts";
export { Job, isLast, type PositionedEvent, type StreamOptions } from "./job.ts";
export type { TransportOptions } from "./transport.ts";
export type { EventOf, Operation } from "./operation.ts";
export type { Method, OperationMethods } from "./operations.ts";
export { RbeeClient } from "./rbee-client.ts";
