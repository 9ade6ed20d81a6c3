import type { OperationName, OperationRequest } from "@rbee/contracts";
import { Call, type CallOptions } from "./call.ts";
import { JobClient } from "./client.ts";
import { operationMethods, type OperationMethods } from "./operations.ts";
import type { TransportOptions } from "./transport.ts";

// The methods come from the table of operations, for the compiler here and at run time in the constructor.
// oxlint-disable-next-line typescript/no-unsafe-declaration-merging, typescript/no-empty-object-type
export interface RbeeClient extends OperationMethods {}

/**
 * Everything a queen, or a hive's local server, can be asked for.
 *
 * ```ts
 * const client = new RbeeClient({ url: "http://127.0.0.1:7833", key: "rbk_…" });
 * const { hives } = await client.hives.list();
 * for await (const piece of client.infer({ model: "bee-tiny", prompt: "Hello" }).text()) process.stdout.write(piece);
 * ```
 */
// oxlint-disable-next-line typescript/no-unsafe-declaration-merging
export class RbeeClient extends JobClient {
  constructor(options: TransportOptions) {
    super(options);
    const send = <K extends OperationName>(operation: K, input: object, options?: CallOptions) =>
      this.call(operation, input as OperationRequest<K>, options);
    Object.assign(this, operationMethods(send));
  }

  /** Calls an operation whose name is not known before. */
  call<K extends OperationName>(operation: K, input: OperationRequest<K>, options: CallOptions = {}): Call<K> {
    const { idempotencyKey, onDisconnect } = options;
    return new Call(this.start(operation, input, { idempotencyKey, onDisconnect }), options);
  }

  /** A job that somebody submitted, from its first event: `client.attach<"infer">(id).text()`. Aborting does not cancel it. */
  attach<K extends OperationName>(
    jobId: string,
    options: Pick<CallOptions, "signal" | "timeoutMs" | "giveUp"> = {},
  ): Call<K> {
    return new Call(Promise.resolve(this.open<K>(jobId)), { ...options, cancelOnAbort: false });
  }
}
