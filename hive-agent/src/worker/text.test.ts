import { expect, test } from "vitest";
import { CharacterStream, StopFilter } from "./text.ts";

/** A tokenizer whose tokens are bytes, so that every character beyond ASCII is split. */
const detokenizeBytes = (bytes: readonly number[]): string => Buffer.from(bytes).toString("utf8");
const bytesOf = (text: string): number[] => [...Buffer.from(text, "utf8")];

function streamed(bytes: readonly number[]): string[] {
  const characters = new CharacterStream<number>(detokenizeBytes, []);
  const texts = bytes.map((byte) => characters.push(byte));
  return [...texts, characters.flush()].filter((text) => text !== "");
}

test("characters that are spread over tokens come out whole, and nothing is lost", () => {
  for (const text of ["🐝🌻 héllo — ünï 日本語", "👩‍👩‍👧‍👦", "\uFFFD and \uFFFD", "\uFFFD"]) {
    const texts = streamed(bytesOf(text));
    expect(texts.join("")).toBe(text);
    if (!text.includes("\uFFFD")) for (const piece of texts) expect(piece).not.toContain("\uFFFD");
  }
});

test("each emoji comes with its last byte", () => {
  expect(streamed(bytesOf("a🐝b"))).toEqual(["a", "🐝", "b"]);
});

test("bytes that are no characters come out as replacements, also without an end", () => {
  expect(streamed([0x61, 0xf0, 0x9f, 0x62]).join("")).toBe("a\uFFFDb");
  expect(streamed([0x61, 0xf0, 0x9f])).toEqual(["a", "\uFFFD"]);
  const garbage = Array.from({ length: 1_000 }, () => 0x80);
  expect(streamed([...garbage, ...bytesOf("🐝")]).join("")).toBe(`${"\uFFFD".repeat(1_000)}🐝`);
});

test("the tokens in front decide about leading spaces", () => {
  const words = ["▁Once", "▁upon"];
  const detokenize = (tokens: readonly string[], before: readonly string[]) => {
    const text = tokens.join("").replaceAll("▁", " ");
    return before.length === 0 ? text.trimStart() : text;
  };
  const atStart = new CharacterStream(detokenize, []);
  expect(words.map((word) => atStart.push(word))).toEqual(["Once", " upon"]);
  const later = new CharacterStream(detokenize, ["▁there"]);
  expect(words.map((word) => later.push(word))).toEqual([" Once", " upon"]);
});

function filtered(stops: readonly string[], pieces: readonly string[]) {
  const filter = new StopFilter(stops);
  const texts = pieces.map((piece) => filter.push(piece));
  return { texts, text: texts.join("") + filter.flush(), stopped: filter.stopped };
}

test("a stop string in one piece, in several, and across other text", () => {
  expect(filtered(["END"], ["oneENDtwo"])).toMatchObject({ text: "one", stopped: true });
  expect(filtered(["END"], ["one", "E", "N", "D", "two"])).toMatchObject({ text: "one", stopped: true });
  expect(filtered(["END"], ["oneE", "ND"])).toMatchObject({ text: "one", stopped: true });
});

test("what only looks like the beginning of a stop string is kept", () => {
  expect(filtered(["END"], ["E", "E", "N", "E", "x"])).toMatchObject({ text: "EENEx", stopped: false });
  expect(filtered(["END"], ["one", "EN"])).toMatchObject({ text: "oneEN", stopped: false });
  expect(filtered(["aab"], ["a", "a", "a", "b", "!"])).toMatchObject({ text: "a", stopped: true });
});

test("nothing of a stop string is ever given out", () => {
  const { texts } = filtered(["\n\nUser:"], ["Hi", "\n", "\n", "User", ":"]);
  expect(texts).toEqual(["Hi", "", "", "", ""]);
});

test("of several stop strings the first in the text counts", () => {
  expect(filtered(["abc", "b"], ["a", "b", "c"])).toMatchObject({ text: "a", stopped: true });
  expect(filtered(["🐝", "é"], ["xé🐝"])).toMatchObject({ text: "x", stopped: true });
});

test("empty and malformed stop strings stop nothing", () => {
  expect(filtered(["", "\uD83D"], ["🐝", "🐝"])).toMatchObject({ text: "🐝🐝", stopped: false });
});

test("space at the very end can be dropped, space before more text cannot", () => {
  const filter = new StopFilter([], { dropTrailingSpace: true });
  expect([filter.push("{ "), filter.push("\n}"), filter.push("\n \n"), filter.flush()]).toEqual(["{", " \n}", "", ""]);
});
