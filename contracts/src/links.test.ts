import { expect, test } from "vitest";
import { confirmationPage, parseRbeeLink } from "./links.ts";

test("links say what they ask for", () => {
  const model = { kind: "model", id: "Qwen/Qwen2.5-0.5B-Instruct-GGUF" };
  expect(parseRbeeLink("rbee://install/model?id=Qwen/Qwen2.5-0.5B-Instruct-GGUF")).toEqual(model);
  expect(parseRbeeLink("rbee://model?id=Qwen%2FQwen2.5-0.5B-Instruct-GGUF")).toEqual(model);
  expect(parseRbeeLink("rbee://model/?id=org/repo&quant=Q4_K_M")).toEqual({
    kind: "model",
    id: "org/repo",
    quant: "Q4_K_M",
  });
  const worker = { kind: "worker", type: "cuda-llm-worker", hive: "attic" };
  expect(parseRbeeLink("rbee://install/worker?type=cuda-llm-worker&hive=attic")).toEqual(worker);
});

test.each([
  "",
  "rbee:",
  "rbee://",
  "rbee://model",
  "rbee://model?id=",
  "rbee://model?id=repo",
  "rbee://model?id=../etc/passwd",
  "rbee://model?id=org/../repo",
  "rbee://model?id=/etc/passwd",
  "rbee://model?id=org/repo/file.gguf",
  "rbee://model?id=https://evil.example/x.gguf",
  "rbee://model?id=file:///etc/passwd",
  "rbee://model?id=org/repo%00",
  "rbee://model?id=org/repo%0arm",
  "rbee://model?id=org/$(reboot)",
  "rbee://model?id=org/`id`",
  "rbee://model?id=--hive/x",
  "rbee://model?id=org/repo&id=org/other",
  "rbee://model?id=org/repo&force=true",
  "rbee://model?id=org/repo&quant=../x",
  "rbee://model?id=org/repo#x",
  "rbee://user:pass@model?id=org/repo",
  "rbee://model:80?id=org/repo",
  "rbee://delete/model?id=org/repo",
  "rbee://__proto__?id=org/repo",
  "rbee://install/worker?type=evil",
  "rbee://install/worker?type=cuda-llm-worker&hive=..",
  "http://model?id=org/repo",
  "javascript:alert(1)",
  `rbee://model?id=org/${"r".repeat(2_000)}`,
])("refused: %s", (link) => expect(parseRbeeLink(link)).toBeUndefined());

test("the page that asks is the queen's own, whatever the link says", () => {
  expect(confirmationPage("https://q.example", { kind: "model", id: "org/repo", quant: "Q8_0" })).toBe(
    "https://q.example/run/org/repo?quant=Q8_0",
  );
  expect(confirmationPage("https://q.example/sub", { kind: "model", id: "org/repo" })).toBe(
    "https://q.example/sub/run/org/repo",
  );
});
