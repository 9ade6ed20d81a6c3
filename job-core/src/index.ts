export * from "./event-log.ts";
export * from "./position.ts";
export * from "./sql.ts";
export * from "./sse.ts";
export * from "./phase.ts";
export * from "./lease.ts";
