import { limits, type JobEvent, type Logprob } from "@rbee/contracts";
import { z } from "zod";
import type { ApiCaller } from "../api/caller.ts";
import { heldResponse } from "../api/held-response.ts";
import { resultOf } from "./chat-answer.ts";
import { BadRequest, jsonForm, streamForm } from "./errors.ts";
import { optional, parseBody, refuseStreamOptions } from "./parse.ts";
import { readChoices, startChoices } from "./run-choices.ts";
import { dropUndefined, samplingFields, samplingOf, tokensOf } from "./sampling.ts";
import { DONE, idOf, seconds, sse, SYSTEM_FINGERPRINT, usageOf } from "./wire.ts";

/** What OpenAI generates unless it is told otherwise. */
const MAX_TOKENS_DEFAULT = 16;
const LOGPROBS_MAX = 5;

const CompletionRequest = z.looseObject({
  model: z.string(),
  prompt: z.union([z.string(), z.array(z.unknown()).min(1).max(limits.api_choices_max)]).nullish(),
  suffix: optional(z.string()),
  echo: optional(z.boolean()),
  stream: optional(z.boolean()),
  stream_options: optional(z.looseObject({ include_usage: optional(z.boolean()) })),
  n: optional(z.int().min(1).max(limits.api_choices_max)),
  max_tokens: optional(z.int().min(1)),
  logprobs: optional(z.int().min(0).max(LOGPROBS_MAX)),
  ...samplingFields,
});
type CompletionRequest = z.output<typeof CompletionRequest>;

/** `POST /completions`: text that goes on. Every prompt has its answers, `n` each, in their order. */
export async function completions(body: unknown, caller: ApiCaller): Promise<Response> {
  const request = parseBody(CompletionRequest, body);
  refuseStreamOptions(request);
  const { stream = false, n = 1 } = request;
  const prompts = promptsOf(request);
  if (prompts.length * n > limits.api_choices_max)
    throw new BadRequest(`At most ${limits.api_choices_max} answers are given at once.`, "n", "invalid_value");
  const asked = prompts.flatMap((prompt) => Array.from({ length: n }, (_, choice) => ({ prompt, choice })));
  const jobs = await startChoices(
    caller,
    asked.map(({ prompt, choice }) => inputOf(request, prompt, choice)),
    { whole: !stream },
  );
  const headers = { "x-rbee-job-id": jobs.map(({ id }) => id).join(", ") };
  const head = headOf(idOf("cmpl-", jobs[0]?.id ?? ""), request.model);
  if (!stream) {
    return heldResponse({ caller, headers, form: jsonForm }, async (write) => {
      const answers = await readChoices(jobs);
      const choices = answers.map(({ result, logprobs }, index) => ({
        text: echoed(request, asked[index]?.prompt) + result.text,
        index,
        logprobs: likely(request, logprobs),
        finish_reason: result.finish_reason,
      }));
      const usages = answers.map(({ result }) => result.usage);
      await write(JSON.stringify({ ...head, choices, usage: usageOf(together(usages, n)) }));
    });
  }
  const includeUsage = request.stream_options?.include_usage === true;
  const none = includeUsage ? { usage: null } : {};
  return heldResponse({ caller, headers, form: streamForm }, async (write) => {
    if (request.echo === true)
      for (const [index, { prompt }] of asked.entries())
        await write(sse({ ...head, choices: [choiceOf(index, prompt)], ...none }));
    const written = asked.map(() => 0);
    const answers = await readChoices(jobs, async (index, event) => {
      const choice = chunkOf(request, event, { index, at: written[index] ?? 0 });
      written[index] = (written[index] ?? 0) + (choice?.text.length ?? 0);
      if (choice !== undefined) await write(sse({ ...head, choices: [choice], ...none }));
    });
    const usages = answers.map(({ result }) => result.usage);
    const usage = includeUsage ? sse({ ...head, choices: [], usage: usageOf(together(usages, n)) }) : "";
    await write(usage + DONE);
  });
}

const headOf = (id: string, model: string) => ({
  id,
  object: "text_completion",
  created: seconds(),
  model,
  system_fingerprint: SYSTEM_FINGERPRINT,
});

const choiceOf = (index: number, text: string, more: { finish_reason?: string; logprobs?: object | null } = {}) => ({
  text,
  index,
  logprobs: more.logprobs ?? null,
  finish_reason: more.finish_reason ?? null,
});

/** @throws BadRequest */
function promptsOf({ prompt }: CompletionRequest): string[] {
  const prompts = typeof prompt === "string" ? [prompt] : (prompt ?? [""]);
  return prompts.map((one, at) => {
    if (typeof one === "string") return one;
    const why = "token ids of other models mean nothing here; send text";
    throw new BadRequest(`Invalid value for 'prompt[${at}]': ${why}.`, "prompt", "invalid_value");
  });
}

const inputOf = (request: CompletionRequest, prompt: string, choice: number): Record<string, unknown> =>
  dropUndefined({
    model: request.model,
    // What OpenAI takes for the beginning of a document is here the beginning of nothing in particular.
    prompt: prompt === "" ? " " : prompt,
    raw: true,
    suffix: request.suffix === "" ? undefined : request.suffix,
    max_tokens: tokensOf(request.max_tokens, MAX_TOKENS_DEFAULT),
    logprobs: request.logprobs,
    ...samplingOf(request, choice),
  });

const echoed = ({ echo }: CompletionRequest, prompt = ""): string => (echo === true ? prompt : "");

function chunkOf(request: CompletionRequest, event: JobEvent, { index, at }: { index: number; at: number }) {
  if (event.type === "token")
    return choiceOf(index, event.text, { logprobs: likely(request, event.logprobs ?? [], at) });
  const result = resultOf(event);
  return result === undefined ? undefined : choiceOf(index, "", { finish_reason: result.finish_reason });
}

/** As this older endpoint has them: lists beside each other. @param at where in the answer they begin */
function likely({ logprobs: asked }: CompletionRequest, logprobs: readonly Logprob[], at = 0) {
  if (asked === undefined) return null;
  const text_offset = logprobs.map(({ token }) => (at += token.length) - token.length);
  return {
    tokens: logprobs.map(({ token }) => token),
    token_logprobs: logprobs.map(({ logprob }) => logprob),
    top_logprobs: logprobs.map(({ top }) => Object.fromEntries(top.map(({ token, logprob }) => [token, logprob]))),
    text_offset,
  };
}

type Usage = Parameters<typeof usageOf>[0];

/** Each prompt counts once, whatever the number of its answers. */
function together(usages: readonly Usage[], n: number): Usage {
  const sum = (key: keyof Usage, of: readonly Usage[]) => of.reduce((total, usage) => total + usage[key], 0);
  const prompts = usages.filter((_, at) => at % n === 0);
  const prompt_tokens = sum("prompt_tokens", prompts);
  const completion_tokens = sum("completion_tokens", usages);
  const cached_tokens = sum("cached_tokens", prompts);
  return { prompt_tokens, cached_tokens, completion_tokens, total_tokens: prompt_tokens + completion_tokens };
}
