import { expect, test } from "vitest";
import { cliReference } from "./reference.ts";

test("every command has examples", () => {
  const commands = cliReference().split("\n## ").slice(1);
  const without = commands.filter((command) => !/USAGE\n(?: {2}rbee .*\n {4}\S.*\n)+/.test(command));
  expect(without.map((command) => command.split("\n")[0])).toEqual([]);
});
