export * from "./access.ts";
export * from "./body.ts";
export * from "./event-stream.ts";
export * from "./hmac.ts";
export * from "./job-routes.ts";
export * from "./not-found.ts";
export * from "./problem.ts";
export * from "./session-header.ts";
