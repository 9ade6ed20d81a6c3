import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";
import { registrationFor } from "./registration.ts";

const command = ["/usr/bin/node", "/opt/my rbee/100%/main.ts"];

/** The words of an Exec line, as the specification has them read: escapes of the file, then quotes, then field codes. */
function wordsOf(exec: string): string[] {
  const line = exec.replaceAll(
    /\\(.)/g,
    (_, escaped: string) => ({ s: " ", n: "\n", t: "\t", "\\": "\\" })[escaped] ?? never(),
  );
  const word = /"((?:[^"`$\\]|\\["`$\\])*)"(?= |$)|([^\s"'\\><~|&;$*?#()`]+)(?= |$)/y;
  const words: string[] = [];
  for (; word.lastIndex < line.length; word.lastIndex++) {
    const [, quoted, plain] = word.exec(line) ?? never();
    words.push(quoted?.replaceAll(/\\(.)/g, "$1") ?? plain ?? "");
  }
  return words.map((one) =>
    one === "%u" ? one : one.replaceAll(/%(.)/g, (_, code) => (code === "%" ? "%" : never())),
  );
}

test.each(["/opt/rbee/main.ts", "/opt/my rbee/100%/main.ts", String.raw`/opt/a"b$c\`d'e\\f %u/main.ts`])(
  "Linux: whoever reads the entry runs %s, with the link as one word",
  (main) => {
    const { files } =
      registrationFor({ platform: "linux", home: "/home/bee", command: ["/bin/node", main] }) ?? never();
    const exec = /^Exec=(.*)$/m.exec(files[0]?.text ?? "")?.[1] ?? never();
    expect(wordsOf(exec)).toEqual(["/bin/node", main, "links", "open", "--", "%u"]);
  },
);

test("Linux: a desktop entry and its handler", () => {
  const { files, run, undo } = registrationFor({ platform: "linux", home: "/home/bee", command }) ?? never();
  expect(files[0]?.path).toBe("/home/bee/.local/share/applications/rbee-links.desktop");
  // xdg-open knows no quotes.
  expect(files[0]?.text).toContain('\nExec=/usr/bin/node "/opt/my rbee/100%%/main.ts" links open -- %u\n');
  expect(files[0]?.text).toContain("\nMimeType=x-scheme-handler/rbee;\n");
  expect(run[0]).toEqual(["xdg-mime", "default", "rbee-links.desktop", "x-scheme-handler/rbee"]);
  expect(undo.remove).toEqual([files[0]?.path]);
  const elsewhere = registrationFor({ platform: "linux", home: "/home/bee", dataHome: "/data", command });
  expect(elsewhere?.files[0]?.path).toBe("/data/applications/rbee-links.desktop");
  const empty = registrationFor({ platform: "linux", home: "/home/bee", dataHome: "", command });
  expect(empty?.files).toEqual(files);
});

test("macOS: an application that claims the scheme and hands the link on, quoted", () => {
  const { files, run, undo } = registrationFor({ platform: "darwin", home: "/Users/bee", command }) ?? never();
  const [script, plist] = files;
  expect(script?.text).toContain('quoted form of "/opt/my rbee/100%/main.ts"');
  expect(script?.text).toContain("quoted form of link\n");
  expect(plist?.text).toMatch(/<key>CFBundleURLSchemes<\/key><array><string>rbee<\/string>/);
  expect(run.map(([program]) => program.split("/").at(-1))).toEqual(["osacompile", "cp", "lsregister"]);
  expect(undo.remove).toContain("/Users/bee/Applications/rbee links.app");
});

const readPlist = "import json, plistlib, sys; print(json.dumps(plistlib.loads(sys.stdin.buffer.read())))";
const python = spawnSync("python3", ["-c", ""]).status === 0;
if (!python) process.stdout.write("skipped: reading a property list, since there is no python3\n");

test.skipIf(!python)("macOS: the property list is one, and claims the scheme", () => {
  const { files } = registrationFor({ platform: "darwin", home: "/Users/bee", command }) ?? never();
  const { stdout } = spawnSync("python3", ["-c", readPlist], { input: files[1]?.text ?? "", encoding: "utf8" });
  expect(JSON.parse(stdout)).toMatchObject({
    CFBundlePackageType: "APPL",
    CFBundleURLTypes: [{ CFBundleURLSchemes: ["rbee"] }],
  });
});

test("Windows: the command is read as these words, the link as one of them", () => {
  const node = String.raw`C:\Program Files\node\node.exe`;
  const { run } =
    registrationFor({ platform: "win32", home: "C:\\Users\\bee", command: [node, command[1] ?? ""] }) ?? never();
  const line = run.at(-1)?.at(-2) ?? never();
  // As CommandLineToArgvW does where no backslash stands before a quote.
  expect(line).not.toContain('\\"');
  const words = [...line.matchAll(/"([^"]*)"(?: |$)/gy)].map(([, word]) => word);
  expect(words).toEqual([node, command[1], "links", "open", "--", "%1"]);
});

test("Windows: keys of this person only, the link in quotes", () => {
  const { run, undo } = registrationFor({ platform: "win32", home: "C:\\Users\\bee", command }) ?? never();
  expect(run.every(([program, verb, key]) => program === "reg.exe" && verb === "add" && key?.startsWith("HKCU"))).toBe(
    true,
  );
  expect(run.at(-1)).toContain('"/usr/bin/node" "/opt/my rbee/100%/main.ts" "links" "open" "--" "%1"');
  expect(undo.run).toEqual([["reg.exe", "delete", String.raw`HKCU\Software\Classes\rbee`, "/f"]]);
});

test("elsewhere nothing is guessed", () => {
  expect(registrationFor({ platform: "aix", home: "/", command })).toBeUndefined();
});

function never(): never {
  throw new Error("not registered");
}
