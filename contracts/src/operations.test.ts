import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { errorCodes, errors, RbeeError } from "./errors.ts";
import { ModelId } from "./ids.ts";
import { scopes, type Handlers } from "./operation.ts";
import { operationNames, operationOf, type Operations } from "./operations.ts";
import { parseInput, parseSubmission } from "./submission.ts";

describe("the operations table", () => {
  test.each(operationNames)("%s: every column is whole", (name) => {
    const row = operationOf(name);
    expect(name).toMatch(/^[a-z]+(_[a-z]+)*$/);
    expect(scopes).toContain(row.scope);
    expect(row.summary).toMatch(/^[A-Z].*[^.]$/);
    expect(() => z.toJSONSchema(row.input, { io: "input" })).not.toThrow();
    expect(() => z.toJSONSchema(row.result, { io: "output" })).not.toThrow();
    if (row.executor === "hive") expect(row.input.shape).toHaveProperty("hive_id");
    if (row.executor === "worker") expect(row.input.shape).toHaveProperty("model");
    if (row.executor === "queen") expect(row.offline).toBe("fail");
  });

  test.each(operationNames)("%s: any input is either parsed or refused with invalid_input", (name) => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.constantFrom(...Object.keys(operationOf(name).input.shape), "x"), fc.jsonValue()),
        (fields) => {
          let once;
          try {
            once = parseInput(name, fields);
          } catch (error) {
            expect(error).toBeInstanceOf(RbeeError);
            expect((error as RbeeError).code).toBe("invalid_input");
            return;
          }
          // Parsing settles: the hive parses again what the queen has parsed, and must agree.
          expect(parseInput(name, once)).toEqual(once);
        },
      ),
    );
  });

  test("what is written in another way settles too", () => {
    const infer = { model: "bee", prompt: "x" };
    for (const fields of [
      { ...infer, stop: "." },
      { ...infer, hive_id: "" },
      { ...infer, stop: [] },
    ]) {
      const once = parseInput("infer", fields);
      expect(parseInput("infer", once)).toEqual(once);
    }
    const spawn = parseInput("worker_spawn", { model: "bee", device: 0 });
    expect(parseInput("worker_spawn", spawn)).toEqual({ ...spawn, device: "0" });
    expect(() => parseInput("infer", { ...infer, stop: "" })).toThrow("stop");
  });

  test("any body at all is parsed or refused by code", () => {
    fc.assert(
      fc.property(fc.anything(), (body) => {
        try {
          parseSubmission(body);
        } catch (error) {
          expect(["invalid_input", "unknown_operation"]).toContain((error as RbeeError).code);
        }
      }),
    );
  });

  test("`alias` is `hive_id`", () => {
    expect(parseInput("model_list", { alias: "box" })).toEqual({ hive_id: "box" });
  });
});

test("a row without a handler does not compile", () => {
  // @ts-expect-error `infer` is missing
  const handlers: Handlers<Operations, "worker", unknown> = {};
  expect(handlers).toEqual({});
});

test.each(errorCodes)("error %s has a title, a next step and a fitting status", (code) => {
  const row = errors[code];
  expect(row.title).not.toBe("");
  expect(row.help).toMatch(/\.$/);
  expect(row.status).toBeGreaterThanOrEqual(400);
  expect([2, 3, 4, 5, 6, 130]).toContain(row.exit);
});

test("a model id is never a path", () => {
  for (const good of ["bee-tiny", "org/repo", "org/repo:Q4_K_M", "org/repo/sub/file.gguf"])
    expect(ModelId.parse(good)).toBe(good);
  for (const bad of [
    "",
    "/etc/passwd",
    "../x",
    "a/../b",
    "a//b",
    "a\\b",
    "a\0b",
    ".hidden",
    "a/.ssh",
    "a b",
    "C:\\x",
    "a:b:c",
  ]) {
    expect(ModelId.safeParse(bad).success, bad).toBe(false);
  }
});

describe("synonyms", () => {
  const meant = (operation: string, fields: Record<string, unknown> = {}) => parseSubmission({ operation, ...fields });

  test.each([
    ["worker_install", { worker_id: "cpu-llm-worker" }, "worker_download", { worker_type: "cpu-llm-worker" }],
    ["worker_install", { worker_type: "llama-server" }, "worker_build", { worker_type: "llama-server" }],
    ["worker_list_installed", {}, "worker_binary_list", {}],
    ["worker_installed_get", { id: "llama-server" }, "worker_binary_get", { worker_type: "llama-server" }],
    ["worker_remove", { worker_id: "llama-server" }, "worker_binary_delete", { worker_type: "llama-server" }],
    ["worker_list", { alias: "box" }, "worker_process_list", { hive_id: "box" }],
    ["worker_get", { id: "worker-box-9100" }, "worker_process_get", { worker_id: "worker-box-9100" }],
    ["worker_delete", { id: "worker-box-9100" }, "worker_process_delete", { worker_id: "worker-box-9100" }],
    ["worker_delete", { pid: 7 }, "worker_process_delete", { pid: 7 }],
  ])("%s %j is %s %j", (asked, fields, ...[operation, input]) => {
    expect(meant(asked, fields)).toMatchObject({ operation, input });
  });

  test("they are no more forgiving than the names of the table", () => {
    expect(() => meant("worker_get", { id: "worker-a", worker_id: "worker-a" })).toThrow("Unrecognized");
    expect(() => meant("worker_get", { id: "worker-a", pid: 1 })).toThrow("either");
    expect(() => meant("worker_process_get", { id: "worker-a" })).toThrow("Unrecognized");
    expect(() => meant("constructor")).toThrow("there are");
  });
});
