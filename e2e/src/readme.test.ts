import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { House } from "./house.ts";

/** What README.md says to type, typed. */

const root = fileURLToPath(new URL("../../", import.meta.url));
const readme = readFileSync(`${root}README.md`, "utf8");
/** The blocks of code below a heading. */
const blocksOf = (heading: string): string[] => {
  const [, section = ""] = readme.split(`\n## ${heading}\n`);
  return [...(section.split("\n## ")[0] ?? "").matchAll(/```\w+\n([^]*?)```/g)].map(([, code = ""]) => code);
};

let house: House;
beforeAll(async () => {
  house = await House.open();
  await house.startHive("localhost");
});
afterAll(() => house.close());

const start = (program: string, ...args: readonly string[]) =>
  spawn(program, args, {
    cwd: root,
    env: { ...process.env, RBEE_URL: house.url, RBEE_API_KEY: house.key },
    stdio: ["ignore", "pipe", "inherit"],
  });
const program = (code: string) => start(process.execPath, "--input-type=module-typescript", "--eval", code);
async function printed(child: ReturnType<typeof start>): Promise<string> {
  const [out, [code]] = await Promise.all([text(child.stdout), once(child, "exit")]);
  expect(code).toBe(0);
  return out;
}

test("the program with the SDK", async () => {
  const [code = ""] = blocksOf("From a program");
  expect(code).toContain("heartbeats()");
  const child = program(code);
  let out = "";
  // It watches until it is stopped.
  for await (const piece of child.stdout.setEncoding("utf8") as AsyncIterable<string>)
    if (/\{ queued: 0, running: \d+ \}/.test((out += piece))) child.kill();
  expect(out).toMatch(/^\S.{20}/);
});

test("the program with OpenAI's client", async () => {
  const [code = ""] = blocksOf("With the clients you have");
  expect(await printed(program(code))).toMatch(/\S.{20}/);
});

test("the requests with curl", async () => {
  const [block = ""] = blocksOf("With curl");
  const commands = block.split(/\n(?=curl )/).filter((command) => command.startsWith("curl "));
  expect(commands).toHaveLength(4);
  let id = "";
  const answers: string[] = [];
  for (const command of commands) {
    const answer = await printed(start("bash", "-c", `set -e; ${command.replaceAll("<job_id>", id)}`));
    answers.push(answer);
    id = /"job_id":"(job_\w+)"/.exec(answer)?.[1] ?? id;
  }
  expect(answers).toEqual([
    expect.stringMatching(/data: \[TOKEN\][^]*data: \[DONE\]/),
    expect.stringMatching(/"job_id":"job_\w+"/),
    expect.stringMatching(/data: \{"type":"result"[^]*data: \[DONE\]/),
    expect.stringMatching(/"status":"succeeded"/),
  ]);
});

test("the commands of the keeper that need no internet", async () => {
  const lines = [...readme.matchAll(/^npm run rbee -- (.*?)(?: {2,}#.*)?$/gm)].map(([, line = ""]) => line);
  const elsewhere = ["chat", "models search", "models run", "hives token", "--hive local"];
  const here = lines.filter((line) => !elsewhere.some((other) => line.startsWith(other)));
  expect(here.length).toBeGreaterThanOrEqual(4);
  for (const line of here) {
    const words = [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? "");
    expect(await house.typed(...words), line).toMatchObject({ code: 0, out: expect.stringMatching(/\S/) as string });
  }
});
