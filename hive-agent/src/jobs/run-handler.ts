import {
  HandlerEvent,
  limits,
  operationNames,
  operationOf,
  pack,
  parseInput,
  problemFrom,
  problemOf,
  RbeeError,
  type Op,
  type OperationName,
  type Outcome,
  type PackedEvent,
} from "@rbee/contracts";
import type { Log } from "../log.ts";
import type { HiveContext, HiveHandlers } from "./handler.ts";

/** Where a handler's events go. */
export interface Sink {
  add(item: PackedEvent): void;
  readonly full: boolean;
  room(): Promise<void>;
}

/** Any row's handler, once its input has been parsed by that row. */
type AnyHandler = (
  input: Record<string, unknown>,
  context: HiveContext,
) => AsyncGenerator<HandlerEvent, Record<string, unknown>, void>;

/** An operation that this hive can run. */
export interface Runnable {
  readonly name: OperationName;
  readonly start: (context: HiveContext) => AsyncGenerator<HandlerEvent, Record<string, unknown>, void>;
}

/** Looks the operation up in this hive's own table: the queen may be a version ahead. @throws RbeeError */
export function resolve(op: Pick<Op, "operation" | "input">, handlers: HiveHandlers): Runnable {
  const name = operationNames.find((known) => known === op.operation);
  const handler =
    name === undefined || !Object.hasOwn(handlers, name) ? undefined : handlers[name as keyof HiveHandlers];
  if (name === undefined || handler === undefined) {
    throw new RbeeError("unsupported", `this hive does not know the operation ${JSON.stringify(op.operation)}`);
  }
  const input = parseInput(name, op.input);
  return { name, start: (context) => (handler as unknown as AnyHandler)(input, context) };
}

/** Runs a handler to its end, whatever that is. Never throws. */
export async function runHandler(
  runnable: Runnable,
  call: { context: HiveContext; sink: Sink; log: Log },
): Promise<Outcome> {
  const { context, sink, log } = call;
  try {
    const events = runnable.start(context);
    for (;;) {
      const step = await events.next();
      if (step.done === true) return outcomeOf(runnable.name, step.value);
      take(step.value, sink);
      if (sink.full) await sink.room();
    }
  } catch (thrown) {
    if (!(thrown instanceof RbeeError) && !context.signal.aborted) {
      log.error("a handler broke", { job_id: context.job_id, operation: runnable.name, where: traceOf(thrown) });
    }
    // Handed back before it began: the queen places it elsewhere, or later. [AGENT-21] [AGENT-24]
    const refused = thrown instanceof RbeeError && (thrown.code === "draining" || thrown.code === "worker_busy");
    return { status: refused ? "refused" : "failed", error: problemFrom(thrown) };
  }
}

/** What the queen could not read would come back with every reconnect, so it is checked before it is journaled. */
function take(event: HandlerEvent, sink: Sink): void {
  const valid = event.type === "token" ? typeof event.text === "string" : HandlerEvent.safeParse(event).success;
  if (!valid) throw new Error(`a handler yielded an invalid ${event.type} event`);
  sink.add(pack(event));
}

function outcomeOf(name: OperationName, value: Record<string, unknown>): Outcome {
  const result = operationOf(name).result.safeParse(value);
  if (!result.success) throw new Error(`the result of ${name} does not fit its row: ${pathsOf(result.error.issues)}`);
  // Room for the rest of the frame.
  if (JSON.stringify(result.data).length > limits.frame_bytes_max - 1_024) {
    return { status: "failed", error: problemOf("payload_too_large", "the result is too large to send") };
  }
  return { status: "succeeded", result: result.data };
}

const pathsOf = (issues: readonly { path: PropertyKey[] }[]): string =>
  issues.map((issue) => issue.path.join(".")).join(", ");

/** Where it broke, without the message: that may quote what the user wrote. */
function traceOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return typeof thrown;
  const frames = (thrown.stack ?? "").split("\n").filter((line) => /^\s+at /.test(line));
  return [thrown.name, ...frames.map((frame) => frame.trim())].join(" ");
}
