import "./dom.ts";
import { RbeeClient, type JobEvent } from "@rbee/sdk";
import { RbeeProvider, useChat, useJob, useJobSubmit } from "@rbee/sdk/react";
import { cleanup, configure, renderHook, waitFor } from "@testing-library/react";
import { createElement, type ReactNode } from "react";
import { afterEach, expect, test } from "vitest";
import { useJobWatch } from "../../../web-ui/src/activity/job-watch.ts";

/** The hooks over a line that breaks. */

configure({ asyncUtilTimeout: 10_000 });

afterEach(cleanup);

type Answer = (request: Request) => Response | Promise<Response>;

const render = <Result>(hook: () => Result, answer: Answer) => {
  const fake: typeof fetch = async (input, init) => answer(new Request(input, init));
  const client = new RbeeClient({ url: "https://queen.example", fetch: fake });
  const wrapper = ({ children }: { children: ReactNode }) => createElement(RbeeProvider, { client }, children);
  return renderHook(hook, { wrapper }).result;
};

const JOB = `job_${"a".repeat(26)}`;
const headers = { "content-type": "text/event-stream", "x-rbee-job-id": JOB };
const streamOf = (...events: object[]) =>
  new Response(events.map((event, at) => `id: 1.${at + 1}\ndata: ${JSON.stringify(event)}\n\n`).join(""), { headers });
const answerOf = (text: string) => [
  { type: "token", text } satisfies JobEvent,
  { type: "result", result: { text, timings: { tokens_per_s: 9 } } },
];
/** The line is down for longer than a program would try. */
function after(times: number, answer: Answer): Answer {
  let left = times;
  return (request) =>
    left-- > 0 ? new Response("", { status: 503, headers: { "retry-after": "0" } }) : answer(request);
}

test.for([
  ["a component", useJob],
  ["the interface", useJobWatch],
] as const)("%s does not take a job for over because its queen cannot be reached for a while", async ([, use]) => {
  const seen = new Set<string>();
  const shown = render(
    () => {
      const job = use(JOB);
      seen.add(job.status);
      return job;
    },
    after(30, () => streamOf(...answerOf("Honey."))),
  );
  await waitFor(() => expect(shown.current).toMatchObject({ status: "succeeded", text: "Honey." }));
  expect([...seen]).not.toContain("failed");
});

test("an answer that was under way is still heard after that", async () => {
  const turns = [{ role: "user", content: "What do bees eat?" }];
  sessionStorage.setItem("line", JSON.stringify({ turns, jobId: JOB }));
  const shown = render(
    () => useChat({ model: "bee-tiny", storageKey: "line" }),
    after(30, () => streamOf(...answerOf("Honey."))),
  );
  const whole = [...turns, { role: "assistant", content: "Honey." }];
  await waitFor(() => expect(JSON.parse(sessionStorage.getItem("line") ?? "")).toEqual({ turns: whole }));
  expect(shown.current).toMatchObject({ messages: whole, streaming: false, error: undefined });
});

test("a page that is left reads no more, though the job says nothing for long", async () => {
  const methods: string[] = [];
  let left = false;
  const shown = render(
    () => useJobSubmit(),
    ({ method }) => {
      methods.push(method);
      return new Response(new ReadableStream({ cancel: () => void (left = true) }), { headers });
    },
  );
  void shown.current.submitJob({ operation: "infer", model: "bee-tiny", prompt: "Hello" });
  await waitFor(() => expect(shown.current.jobId).toBe(JOB));
  cleanup();
  // Far sooner than a silent line is left anyway.
  await waitFor(() => expect(left).toBe(true));
  expect(methods).toEqual(["POST"]);
});

test("a question that got no answer is not sent along with the next one", async () => {
  const failure = { type: "error", title: "", status: 502, code: "worker_died", detail: "", hint: "", retryable: true };
  const asked: unknown[] = [];
  const shown = render(
    () => useChat({ model: "bee-tiny" }),
    async (request) => {
      asked.push(((await request.json()) as { messages: unknown }).messages);
      return asked.length === 1 ? streamOf(failure) : streamOf(...answerOf("Honey."));
    },
  );
  await shown.current.send("Who are you?");
  await waitFor(() => expect(shown.current.error).toMatchObject({ code: "worker_died" }));
  await shown.current.send("What do bees eat?");
  await waitFor(() => expect(shown.current.messages.map(({ role }) => role)).toEqual(["user", "user", "assistant"]));
  expect(asked[1]).toEqual([{ role: "user", content: "What do bees eat?" }]);
});
