import { basename, resolve } from "node:path";
import { JobClient, type JobEvent, type OperationRequest } from "@rbee/sdk";
import { inferAsText, type Answer } from "../commands/infer.ts";
import { runWatched } from "../commands/run-watched.ts";
import { Interrupted, fail } from "../failure.ts";
import { rbeeHome } from "../home.ts";
import { interruption } from "../interruption.ts";
import { rememberQueen } from "../queen-address.ts";
import { HIVE_ID, startHive, startQueen, type Household } from "./children.ts";
import { lockHome } from "./home-lock.ts";
import { demoModelFile, upModelOf, type UpModel } from "./model.ts";
import { requireFreePort } from "./port.ts";
import { wordsFor } from "../terminal/narrator.ts";
import { duration } from "../terminal/words.ts";
import { Screen, type Ready } from "./screen.ts";
import type { Supervised } from "./supervised.ts";

export interface UpFlags {
  readonly model?: string | undefined;
  readonly port: number;
  readonly home?: string | undefined;
  readonly once?: boolean | undefined;
  readonly json?: boolean | undefined;
}

/** Starts everything, shows a first answer, and stays until Ctrl-C (with `once`: stops then). Leaves no process behind. */
export async function up(flags: UpFlags): Promise<void> {
  const startedAt = Date.now();
  const wanted = upModelOf(flags.model);
  const home = resolve(flags.home ?? rbeeHome());
  const lock = lockHome(home);
  const screen = new Screen({ json: flags.json === true });
  const running: Supervised[] = [];
  const { signal, end } = interruption();
  try {
    await requireFreePort(flags.port);
    const ready = await untilInterrupted(bringUp({ flags, home, wanted, screen, running, signal, startedAt }), signal);
    screen.ready(ready);
    if (flags.once === true || flags.json !== true) await firstAnswer(flags, ready, screen);
    if (flags.once === true) return;
    screen.summary(ready, wanted.kind === "file" && wanted.path === demoModelFile);
    await untilInterrupted(Promise.withResolvers<never>().promise, signal);
  } catch (error) {
    // Ctrl-C is how `up` is meant to end, unless it was to show an answer first.
    if (!(error instanceof Interrupted) || flags.once === true) throw error;
  } finally {
    screen.abandon();
    await stopAll(running, screen);
    end();
    lock.release();
  }
}

interface Plan {
  readonly flags: UpFlags;
  readonly home: string;
  readonly wanted: UpModel;
  readonly screen: Screen;
  /** In the order of starting; `up` stops them the other way round. */
  readonly running: Supervised[];
  readonly signal: AbortSignal;
  readonly startedAt: number;
}

async function bringUp({ flags, home, wanted, screen, running, signal, startedAt }: Plan): Promise<Ready> {
  const household: Household = {
    home,
    onDeath: (name, how, delayMs) =>
      screen.warn(`The ${name} ended (${how}); starting it again in ${duration(delayMs)}.`),
    onReturn: (name) => screen.warn(`The ${name} is back.`),
  };
  screen.step("Starting the queen");
  const starting = startQueen(household, flags.port);
  running.push(starting.child);
  const queen = await starting.ready;
  rememberQueen(home, queen);
  screen.done(`Queen at ${queen.url}`);

  signal.throwIfAborted();
  screen.step("Connecting this machine");
  // Who lets the queen have any port wants the hive to have any, too.
  const modelFile = wanted.kind === "file" ? wanted.path : undefined;
  const joining = startHive(household, queen, { modelFile, localPort: flags.port === 0 ? 0 : undefined });
  running.push(joining.child);
  await joining.ready;
  screen.done(`Hive ${HIVE_ID} connected`);

  const client = new JobClient(queen);
  const id =
    wanted.kind === "file" ? await idOfFile(client, wanted.path) : await fetchModel(client, wanted.source, screen);
  signal.throwIfAborted();
  screen.step(`Loading ${modelFile === undefined ? id : basename(modelFile)}`);
  const model = await loadModel(client, id, screen);
  screen.done(`Model ${model} loaded`);
  return { queen, model, ready_ms: Date.now() - startedAt };
}

/** What the hive calls the model in that file. */
async function idOfFile(client: JobClient, modelFile: string): Promise<string> {
  const { models } = await client.run("model_list", { hive_id: HIVE_ID });
  const model = models.find(({ name }) => name === basename(modelFile));
  if (model !== undefined) return model.id;
  throw fail("model_not_found", `the hive does not see ${modelFile}`, "Is it a GGUF file that you may read?");
}

/** Has the hive fetch it, unless it is there. @returns what the hive calls it */
async function fetchModel(client: JobClient, source: string, screen: Screen): Promise<string> {
  screen.step(`Fetching ${source}`);
  const wanted = { hive_id: HIVE_ID, model: source };
  const { model_id, already_there } = await client.run("model_download", wanted, { onEvent: progressOn(screen) });
  screen.done(`Model ${model_id} ${already_there ? "was there already" : "fetched"}`);
  return model_id;
}

/** Loads a model unless a worker has it already. */
async function loadModel(client: JobClient, id: string, screen: Screen): Promise<string> {
  const { workers } = await client.run("status", {});
  if (workers.some((worker) => worker.model === id && worker.hive_id === HIVE_ID && worker.state === "ready"))
    return id;
  await client.run("worker_spawn", { hive_id: HIVE_ID, model: id }, { onEvent: progressOn(screen) });
  return id;
}

const progressOn =
  (screen: Screen) =>
  (event: JobEvent): void => {
    const words = wordsFor(event);
    if (words !== undefined) screen.progress(words);
  };

const FIRST_PROMPT = "Tell me a short story about a bee.";
const FIRST_TOKENS_MAX = 320;

/** The proof that all of it works: text, made here. */
async function firstAnswer(flags: UpFlags, { queen, model }: Ready, screen: Screen): Promise<void> {
  const input: OperationRequest<"infer"> = {
    model,
    prompt: FIRST_PROMPT,
    temperature: 0,
    max_tokens: FIRST_TOKENS_MAX,
  };
  screen.prompt(FIRST_PROMPT);
  const answer: Answer = await (flags.json === true
    ? runWatched({ ...queen, onEvent: () => undefined }, "infer", input)
    : inferAsText(queen, input, screen.answerWriter()));
  screen.answer(answer);
}

/** Last started, first stopped: the hive tells the queen that it leaves. */
async function stopAll(running: readonly Supervised[], screen: Screen): Promise<void> {
  if (running.length === 0) return;
  screen.step("Stopping");
  for (const child of running.toReversed()) await child.stop();
  screen.done("Stopped");
}

/** @throws Interrupted when Ctrl-C comes first */
function untilInterrupted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const stop = (): void => reject(new Interrupted("Stopped before it was up"));
  if (signal.aborted) stop();
  signal.addEventListener("abort", stop, { once: true });
  return Promise.race([work, promise]).finally(() => signal.removeEventListener("abort", stop));
}
