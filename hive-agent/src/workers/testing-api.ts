import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** How the next answer to a generation is given. */
export type Answering = (response: ServerResponse, body: Record<string, unknown>) => void;

/** A server on loopback that speaks OpenAI's API, as well or as badly as it is told to. */
export interface TestApi {
  readonly url: string;
  /** What was asked, newest last. */
  readonly asked: { readonly path: string; readonly body: Record<string, unknown> }[];
  /** Used up one by one; a sound answer otherwise. */
  readonly answers: Answering[];
  /** Resolves when the client has left the running answer. */
  left(): Promise<void>;
  close(): Promise<void>;
}

const usage = { prompt_tokens: 5, completion_tokens: 3, total_tokens: 8, prompt_tokens_details: { cached_tokens: 2 } };

/** Streams events, then `[DONE]`. */
export const streaming =
  (...events: unknown[]): Answering =>
  (response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    for (const event of events) response.write(eventOf(event));
    response.end("data: [DONE]\n\n");
  };

export const eventOf = (event: unknown): string => `data: ${JSON.stringify(event)}\n\n`;
export const piece = (content: string, finish_reason: string | null = null) => ({
  choices: [{ index: 0, delta: { content }, text: content, finish_reason }],
});

const sound = streaming(piece("Bees "), piece("eat "), piece("nectar."), piece("", "stop"), { choices: [], usage });

export async function startApi(models: readonly string[]): Promise<TestApi> {
  const asked: TestApi["asked"] = [];
  const answers: Answering[] = [];
  let running: ServerResponse | undefined;
  const server = createServer((request, response) => void answer(request, response));
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    if (request.url === "/v1/models") {
      const data = models.map((id) => ({ id, object: "model", created: 1, owned_by: "bees" }));
      return void response.writeHead(200).end(JSON.stringify({ object: "list", data }));
    }
    const body = JSON.parse(await textOf(request)) as Record<string, unknown>;
    asked.push({ path: request.url ?? "", body });
    running = response;
    (answers.shift() ?? sound)(response, body);
  };
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const left = async () => {
    if (running !== undefined && !running.closed) await once(running, "close");
  };
  const close = async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked, answers, left, close };
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of request as AsyncIterable<Buffer>) text += chunk.toString("utf8");
  return text;
}
