import { app } from "./http/app.ts";

export { HiveObject } from "./durable/hive-object.ts";
export { JobObject } from "./durable/job-object.ts";
export { RegistryObject } from "./durable/registry-object.ts";

export default app;
