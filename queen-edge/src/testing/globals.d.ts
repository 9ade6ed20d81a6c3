/** What `cloudflare:workers` exports inside a test: this Worker. */
declare namespace Cloudflare {
  interface GlobalProps {
    mainModule: typeof import("../worker.ts");
  }
  interface Env {
    JOB: DurableObjectNamespace<import("../durable/job-object.ts").JobObject>;
    HIVE: DurableObjectNamespace<import("../durable/hive-object.ts").HiveObject>;
    REGISTRY: DurableObjectNamespace<import("../durable/registry-object.ts").RegistryObject>;
  }
}
