import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";

/*
 * Stands for llama-server where nobody has built one: takes its arguments, says its lines and answers as it does. It
 * counts to max_tokens, about one token a millisecond, and refuses a model whose path has "broken" in it.
 */

const { values } = parseArgs({ strict: false, options: { model: { type: "string" } } });
if (String(values.model).includes("broken")) {
  process.stderr.write("0.00.012 E srv    load_model: failed to load model\n");
  process.exit(1);
}

const key = `Bearer ${process.env["LLAMA_API_KEY"]}`;
const server = createServer((request, response) => {
  if (request.url === "/health") return void response.end('{"status":"ok"}');
  if (request.headers.authorization !== key) return void response.writeHead(401).end("{}");
  void (async () => {
    let text = "";
    for await (const chunk of request as AsyncIterable<Buffer>) text += chunk.toString();
    const { max_tokens } = JSON.parse(text) as { max_tokens: number };
    const say = (event: unknown) => void response.write(`data: ${JSON.stringify(event)}\n\n`);
    response.writeHead(200, { "content-type": "text/event-stream" });
    for (let n = 1; n <= max_tokens && !response.closed; n += 1) {
      await delay(1);
      say({ choices: [{ delta: { content: `${n} ` }, text: `${n} `, finish_reason: null }] });
    }
    say({ choices: [{ delta: {}, finish_reason: "length" }] });
    say({ choices: [], usage: { prompt_tokens: 1, completion_tokens: max_tokens, total_tokens: max_tokens + 1 } });
    response.end("data: [DONE]\n\n");
  })();
});
server.listen(0, "127.0.0.1", () => {
  const { port } = server.address() as AddressInfo;
  process.stderr.write(`0.00.016.932 I srv  llama_server: listening on http://127.0.0.1:${port}\n`);
});
