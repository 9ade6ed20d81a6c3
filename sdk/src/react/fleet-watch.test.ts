import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { problemOf, type ErrorCode } from "@rbee/contracts";
import { RbeeClient } from "../index.ts";
import { FleetWatch } from "./fleet-watch.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const html = (status: number) => new Response("<html>somebody else</html>", { status });
const problem = (code: ErrorCode) => Response.json(problemOf(code), { status: problemOf(code).status });
const standing = () =>
  new Response(
    new ReadableStream({
      start: (to) => to.enqueue(new TextEncoder().encode('data: {"queue":{"queued":1,"running":2}}\n\n')),
    }),
  );
const gone = () => new Response('data: {"queue":{"queued":0,"running":0}}\n\n');

/** A watch that somebody looks at, over a line on which these answers come, the last one ever again. */
function watchOf(...answers: (() => Response)[]) {
  let asked = 0;
  const fake: typeof fetch = async () => (answers[asked++] ?? answers.at(-1) ?? gone)();
  const watch = new FleetWatch(new RbeeClient({ url: "https://queen.example", fetch: fake }));
  const leave = watch.subscribe(() => undefined);
  return { watch, leave, asked: () => asked };
}

test.each([404, 500, 520, 530])("the fleet is live again after a redial met a stranger's %i", async (status) => {
  const { watch, leave } = watchOf(gone, () => html(status), standing);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(watch.now()).toMatchObject({ connected: true, error: undefined, fleet: { queue: { queued: 1, running: 2 } } });
  leave();
});

test("while a stranger answers, that is said, and it is dialled in growing distances", async () => {
  const { watch, leave, asked } = watchOf(() => html(404));
  await vi.advanceTimersByTimeAsync(60_000);
  expect(watch.now()).toMatchObject({ connected: false, error: { code: "not_found" } });
  expect(asked()).toBeGreaterThan(10);
  expect(asked()).toBeLessThan(120);
  leave();
  const before = asked();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(asked()).toBe(before);
});

test.each(["unauthorized", "forbidden"] as const)("a key that is %s is told once, and not sent again", async (code) => {
  const { watch, leave, asked } = watchOf(() => problem(code));
  await vi.advanceTimersByTimeAsync(60_000);
  expect(watch.now()).toMatchObject({ connected: false, error: { code } });
  expect(asked()).toBe(1);
  leave();
});
