import { RbeeError } from "@rbee/contracts";
import { readChoices } from "../openai/run-choices.ts";
import { ApiJob } from "./api-job.ts";
import type { ApiCaller } from "./caller.ts";
import { heldResponse, type Form } from "./held-response.ts";

/** How an API tells the number. */
interface Told {
  readonly form: Form;
  readonly body: (input_tokens: number) => object;
}

/** Only the model knows its tokens: it reads the prompt and says one, which costs what reading costs. @throws RbeeError */
export async function countTokens(
  caller: ApiCaller,
  asked: Readonly<Record<string, unknown>>,
  { form, body }: Told,
): Promise<Response> {
  const job = await ApiJob.start(caller, { operation: "infer", input: { ...asked, max_tokens: 1 }, whole: true });
  return heldResponse({ caller, headers: { "x-rbee-job-id": job.id }, form }, async (write) => {
    const [choice] = await readChoices([job]);
    if (choice === undefined) throw new RbeeError("unavailable");
    await write(JSON.stringify(body(choice.result.usage.prompt_tokens)));
  });
}
