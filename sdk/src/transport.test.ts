import { inspect } from "node:util";
import { expect, test } from "vitest";
import { JobClient } from "./index.ts";

/** Requests that cannot be sent, and answers that no queen gives. */

const url = "https://rbee.example.com";
const clientThatHears = (body: BodyInit): JobClient => new JobClient({ url, fetch: async () => new Response(body) });

test("a key that no header can hold is refused at once, without being repeated", async () => {
  const refusal: unknown = await new JobClient({ url, key: "rbk_abc…" }).list().catch((error: unknown) => error);
  expect(refusal).toMatchObject({ name: "RbeeError", code: "unauthorized" });
  expect(inspect(refusal)).not.toContain("rbk_");
});

test("an idempotency key that no header can hold is refused at once", async () => {
  const asked = new JobClient({ url }).submit("status", {}, { idempotencyKey: "montag\u2013eins" });
  await expect(asked).rejects.toMatchObject({ name: "RbeeError", code: "invalid_input" });
});

test.each(["<!doctype html>", "null", "[]", '{"page":1}', '{"jobs":1,"job_id":2}'])(
  "a 200 that says %s is no queen's",
  async (body) => {
    const client = clientThatHears(body);
    const answers = [
      client.get("job_a"),
      client.list(),
      client.cancel("job_a"),
      client.retry("job_a"),
      client.submit("status", {}),
    ];
    for (const answer of await Promise.allSettled(answers))
      expect(answer).toMatchObject({ status: "rejected", reason: { name: "RbeeError", status: 502 } });
  },
);

test("an answer that breaks off is a queen that does not answer", async () => {
  const broken = new ReadableStream({ pull: (to) => to.error(new TypeError("terminated")) });
  await expect(clientThatHears(broken).get("job_a")).rejects.toMatchObject({
    name: "RbeeError",
    code: "unavailable",
  });
});
