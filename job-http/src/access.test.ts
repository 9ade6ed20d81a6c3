import { limits, parseSubmission, scopes, type OperationName, type Scope } from "@rbee/contracts";
import { expect, test } from "vitest";
import { authorizeSubmission, maySee } from "./access.ts";
import { withSession } from "./session-header.ts";

const infer = (over: Record<string, unknown> = {}) =>
  parseSubmission({ operation: "infer", model: "bee", prompt: "x", ...over });
const key = (scope: Scope) => ({ colony: "main", key_id: "k", scope });

test("only operators' jobs go before all others", () => {
  for (const priority of ["low", "normal"])
    for (const scope of scopes) expect(() => authorizeSubmission(key(scope), infer({ priority }))).not.toThrow();
  expect(() => authorizeSubmission(key("infer"), infer({ priority: "high" }))).toThrow("needs a key of scope operator");
  for (const scope of ["operator", "admin"] as const)
    expect(() => authorizeSubmission(key(scope), infer({ priority: "high" }))).not.toThrow();
  const report = parseSubmission({ operation: "usage_report" });
  expect(() => authorizeSubmission(key("infer"), report)).toThrow("operator");
});

test("a session in a header is one in the body, unless the body has its own or the operation has none", () => {
  const headers = (session: string) => new Headers({ "x-session-affinity": session });
  expect(withSession(infer(), headers("a")).input["session"]).toBe("a");
  expect(withSession(infer({ session: "b" }), headers("a")).input["session"]).toBe("b");
  expect(withSession(parseSubmission({ operation: "status" }), headers("a")).input).toEqual({});
  expect(withSession(infer(), new Headers()).input).not.toHaveProperty("session");
  for (const wrong of ["", "x".repeat(limits.session_chars_max + 1)])
    expect(() => withSession(infer(), headers(wrong))).toThrow("x-session-affinity");
});

test("[KEY-4] a key sees its own jobs; an operator's those of others, too, that it might have submitted", () => {
  const jobOf = (operation: OperationName, key_id = "other") => ({ operation, key_id });
  for (const scope of scopes) {
    expect(maySee(key(scope), jobOf("key_create", "k"))).toBe(true);
    expect([scope, maySee(key(scope), jobOf("infer"))]).toEqual([scope, scope !== "infer"]);
    expect([scope, maySee(key(scope), jobOf("key_create"))]).toEqual([scope, scope === "admin"]);
  }
});
