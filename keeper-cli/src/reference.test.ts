import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { cliReference } from "./reference.ts";

test("docs/CLI.md is what the command line says; `node tools/cli-reference.ts` writes it", () => {
  expect(readFileSync(new URL("../../docs/CLI.md", import.meta.url), "utf8")).toBe(cliReference());
});

test("every command has examples", () => {
  const commands = cliReference().split("\n## ").slice(1);
  const without = commands.filter((command) => !/USAGE\n(?: {2}rbee .*\n {4}\S.*\n)+/.test(command));
  expect(without.map((command) => command.split("\n")[0])).toEqual([]);
});
