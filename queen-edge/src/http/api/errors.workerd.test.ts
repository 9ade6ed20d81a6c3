import { afterEach, expect, test, vi } from "vitest";
import { RegistryObject } from "../../durable/registry-object.ts";
import { queen } from "../../testing/queen-client.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

const ofOpenAi = { error: { type: "server_error", code: "internal", param: null } };
const ofOllama = { error: expect.any(String) as string };
const ofAnthropic = { type: "error", error: { type: "api_error" } };

test.each([
  ["/v1/models", {}, ofOpenAi],
  ["/openai/v1/models/bee", {}, ofOpenAi],
  ["/api/tags", {}, ofOllama],
  ["/api/ps", {}, ofOllama],
  ["/v1/models", { "anthropic-version": "2023-06-01" }, ofAnthropic],
])("what fails below %s %j is told in that API's own words", async (path, headers, words) => {
  vi.spyOn(console, "error").mockReturnValue();
  vi.spyOn(RegistryObject.prototype, "status").mockRejectedValue(new Error("the registry fell over"));
  const answer = await queen(path, { headers });
  expect(answer.status).toBe(500);
  expect(answer.headers.get("x-request-id") ?? answer.headers.get("request-id")).toMatch(/^req_/);
  expect(await answer.json()).toMatchObject(words);
});
