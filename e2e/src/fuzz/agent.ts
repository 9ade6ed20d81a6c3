import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Outcome } from "@rbee/contracts";
import fc from "fast-check";
import { MockQueen } from "../../../hive-agent/src/link/testing/mock-queen.ts";
import { Program } from "../process.ts";
import type { WireFrame } from "./arbitraries.ts";
import { controlAnswers, laneAnswers } from "./frames.ts";
import { HANG_MS } from "./sockets.ts";
import type { Amount } from "./run.ts";

const AGENT = fileURLToPath(new URL("../../../hive-agent/src/main.ts", import.meta.url));
const BURST_MAX = 16;
/** Of both lines together, as fast-check draws them. */
const BURST_MEAN = 8;
const idOf = (n: number): string => `job_${n.toString(2).replaceAll("0", "a").replaceAll("1", "b").padStart(26, "a")}`;

/** A queen gone mad, and a real agent that has to live with her. @throws with the smallest burst that it does not survive */
export async function fuzzAgent({ inputs, seed }: Amount): Promise<{ frames: number; ms: number }> {
  const queen = await MockQueen.start();
  queen.enrol = ({ hive_id, public_key }) => ({ status: 200, body: { hive_id, credential: `sealed ${public_key}` } });
  const home = mkdtempSync(join(tmpdir(), "rbee-fuzz-"));
  const env = { RBEE_JOIN_TOKEN: `rbj_main_${"a".repeat(32)}` };
  const agent = new Program(AGENT, ["--queen-url", queen.url, "--home", home, "--hive-id", "fuzzed"], env);
  const died = agent.exited.then((code) => {
    throw new Error(`the agent died with ${code}: ${agent.stderr.slice(-2_000)}`);
  });
  died.catch(() => undefined);
  let jobs = 0;
  let frames = 0;
  try {
    await agent.said("connected");
    const began = performance.now();
    /** It still does what an honest queen asks. */
    const works = async (): Promise<void> => {
      const id = idOf(++jobs);
      const late = Promise.withResolvers<never>();
      const timer = setTimeout(() => late.reject(new Error("the agent hangs")), HANG_MS);
      const outcome = Promise.race([outcomeOf(queen, id), late.promise, died]);
      const { status } = await outcome.finally(() => clearTimeout(timer));
      if (status !== "succeeded") throw new Error(`an honest job ended as ${status}`);
    };
    const burst = fc.tuple(
      fc.array(readable(controlAnswers), { maxLength: BURST_MAX }),
      fc.array(readable(laneAnswers), { maxLength: BURST_MAX }),
    );
    const property = fc.asyncProperty(burst, async ([control, lanes]) => {
      for (const { bytes, binary } of control) queen.connection?.send(bytes, { binary });
      queen.op({ job_id: idOf(++jobs), operation: "model_list" });
      for (const frame of lanes) throwAtLanes(queen, frame);
      frames += control.length + lanes.length;
      await works();
    });
    await fc.assert(property, { numRuns: Math.ceil(inputs / BURST_MEAN), seed });
    await works();
    return { frames, ms: Math.round(performance.now() - began) };
  } finally {
    await agent.kill("SIGKILL");
    await queen.stop();
    rmSync(home, { recursive: true, force: true });
  }
}

function throwAtLanes(queen: MockQueen, { bytes, binary }: WireFrame): void {
  for (const { lane } of queen.jobs.values()) if (lane?.readyState === lane?.OPEN) lane?.send(bytes, { binary });
}

/** Asks until it is done: a line that had to be given up may have taken the question along, and is dialled again. */
async function outcomeOf(queen: MockQueen, job_id: string): Promise<Outcome> {
  for (;;) {
    const lines = queen.control.length;
    queen.op({ job_id });
    await queen.until(() => queen.jobs.get(job_id)?.outcome !== undefined || queen.control.length > lines);
    const outcome = queen.jobs.get(job_id)?.outcome;
    if (outcome !== undefined) return outcome;
  }
}

/** What is not UTF-8 ends the line, which the agent then dials after a while; mostly something is to be heard. */
const readable = (frames: typeof controlAnswers): typeof controlAnswers =>
  fc.oneof(
    { weight: 2_000, arbitrary: frames.map(({ bytes, binary }) => ({ bytes: Buffer.from(bytes.toString()), binary })) },
    { weight: 1, arbitrary: frames },
  );
