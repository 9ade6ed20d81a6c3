import type { HiveObject } from "./durable/hive-object.ts";
import type { JobObject } from "./durable/job-object.ts";
import type { RegistryObject } from "./durable/registry-object.ts";

/** Bindings of the Worker: see wrangler.toml. The two secrets are set once per deployment. */
export interface Env {
  readonly JOB: DurableObjectNamespace<JobObject>;
  readonly HIVE: DurableObjectNamespace<HiveObject>;
  readonly REGISTRY: DurableObjectNamespace<RegistryObject>;
  /** Seals hive credentials and lane tokens: at least 32 random characters. */
  readonly RBEE_SECRET?: string;
  /** The owner's key, scope admin: `rbk_…`. */
  readonly RBEE_API_KEY?: string;
  /** The built interface, file by file. A queen without one only speaks to programs. */
  readonly ASSETS?: Fetcher;
  /** Origins whose pages may call the queen, comma-separated. None unless named. */
  readonly RBEE_ORIGINS?: string;
  /** The hub that models are searched on, if not huggingface.co. */
  readonly HF_ENDPOINT?: string;
}
