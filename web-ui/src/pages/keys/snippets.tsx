import { modelsOf, useFleet, type Fleet } from "../../queen/fleet.ts";
import { CodeBlock } from "../../parts/parts.tsx";

/** One that has said something is no embedder. */
const chatModelOf = (fleet: Fleet): string | undefined =>
  fleet.workers.find(({ state, tokens_per_s = 0 }) => state === "ready" && tokens_per_s > 0)?.model ??
  modelsOf(fleet)[0];

/** What a program needs of this queen, ready to be pasted. */
export function Snippets({ apiKey }: { apiKey: string }) {
  const { fleet } = useFleet();
  const model = (fleet && chatModelOf(fleet)) ?? "…";
  return (
    <>
      <div className="stack tight">
        <h3>With curl</h3>
        <CodeBlock label="curl">{`curl ${location.origin}/v1/chat/completions \\
  -H "authorization: Bearer ${apiKey}" \\
  -H "content-type: application/json" \\
  -d '{"model":"${model}","messages":[{"role":"user","content":"Hello"}]}'`}</CodeBlock>
      </div>
      <div className="stack tight">
        <h3>With OpenAI's clients</h3>
        <CodeBlock label="OpenAI">{`export OPENAI_BASE_URL=${location.origin}/v1
export OPENAI_API_KEY=${apiKey}`}</CodeBlock>
      </div>
    </>
  );
}
