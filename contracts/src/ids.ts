import { z } from "zod";

/** 128 random bits in lower-case base32. Unguessable: whoever knows a job's id and the colony may read it. */
export const JobId = z.string().regex(/^job_[a-z2-7]{26}$/, "a job id looks like job_ and 26 letters or digits");
export type JobId = z.infer<typeof JobId>;

/** What a person calls a machine: also safe as a host name, a file name and part of an object's name. */
export const HiveId = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, "a hive id is lower-case letters, digits and dashes, at most 63");
export type HiveId = z.infer<typeof HiveId>;

export const WorkerId = z.string().regex(/^worker-[a-z0-9-]{1,80}$/, "a worker id looks like worker-…");
export type WorkerId = z.infer<typeof WorkerId>;

/**
 * A model as people write it: `name`, `org/repo`, `org/repo:QUANT`, `org/repo/file.gguf`.
 * Never a path: no leading slash or dot, no `..`, no backslash, no control characters.
 */
export const ModelId = z
  .string()
  .min(1)
  .max(256)
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._-]*(\/[A-Za-z0-9][A-Za-z0-9._-]*){0,3}(:[A-Za-z0-9][A-Za-z0-9._-]*)?$/,
    "not a model id",
  )
  .refine((id) => !id.includes(".."), "not a model id");
export type ModelId = z.infer<typeof ModelId>;

/** Can the hub be asked for it: `org/repo`, or `org/repo:QUANT`? */
export const isHubModel = (id: string): boolean => /^[^/:]+\/[^/:]+(:[^/:]+)?$/.test(id);

/** `auto`, `cpu`, `cuda:0`, `metal`, `vulkan:1`; a bare number means that GPU, as older clients send it. */
export const DeviceId = z
  .union([
    z.int().min(0).max(63),
    z.string().regex(/^(auto|[0-9]{1,2}|(cpu|cuda|vulkan|metal)(:[0-9]{1,2})?)$/, "a device is auto, cpu, cuda:0, …"),
  ])
  .transform(String);

/** What an owner calls machines of one kind: `gpu`, `zone=attic`. A job may ask for hives that have it. */
export const HiveLabel = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._=-]{0,62}$/, "a label is lower-case letters, digits and . _ = -, at most 63");
/** What an owner calls a key: whose it is, or what for. */
export const KeyName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,47}$/, "a key's name is lower-case letters, digits and dashes, at most 48");
/** A key in lists and accounts: its name, and some letters that no other key of that name has. */
export const KeyId = z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, "`rbee keys list` shows the ids of keys");

const LABELS_MAX = 16;
export const HiveLabels = z.array(HiveLabel).max(LABELS_MAX);
/** One label or a list of them. */
export const SomeLabels = z
  .union([HiveLabel, HiveLabels])
  .transform((labels) => (typeof labels === "string" ? [labels] : labels));

/** One owner's fleet. A self-hoster has one, called `main`. */
export const ColonyId = z.string().regex(/^[a-z0-9][a-z0-9-]{0,30}$/);
