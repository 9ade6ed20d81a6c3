import { once } from "node:events";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";
import { RbeeError } from "@rbee/contracts";
import { expect, onTestFinished, test } from "vitest";
import { EmbedRequest } from "../worker/protocol.ts";
import { ConnectionLost, WorkerClient } from "./client.ts";
import { collect, generationOf, never, newId } from "./testing.ts";

/** A client of a worker that answers each request as it is told to. */
async function clientOf(answer: http.RequestListener): Promise<WorkerClient> {
  const worker = http.createServer(answer);
  worker.listen(0, "127.0.0.1");
  await once(worker, "listening");
  const client = new WorkerClient((worker.address() as AddressInfo).port, "ours");
  onTestFinished(() => {
    client.close();
    worker.close();
  });
  return client;
}

test("[WORK-9] a worker that does not know our token is somebody else's, on the port of one that is gone", async () => {
  const { status, ...problem } = new RbeeError("unauthorized").toProblem();
  const client = await clientOf((_request, response) =>
    response.writeHead(status).end(JSON.stringify({ status, ...problem })),
  );
  const call = { id: newId(), generation: generationOf({ prompt: "Hello" }) };
  await expect(collect(client.frames(call, never))).rejects.toThrow(ConnectionLost);
  await expect(client.embed({ texts: ["Hello"] }, never)).rejects.toThrow(ConnectionLost);
});

test("a worker of an older agent, which cannot cut texts, still embeds those that fit", async () => {
  const asked: unknown[] = [];
  const client = await clientOf((request, response) => {
    void json(request).then((body) => {
      asked.push(body);
      const known = EmbedRequest.omit({ truncate: true }).safeParse(body);
      const { status, ...problem } = new RbeeError("invalid_input").toProblem();
      if (known.success) response.end(JSON.stringify({ embeddings: [[1]], prompt_tokens: 1 }));
      else response.writeHead(status).end(JSON.stringify({ status, ...problem }));
    });
  });
  const texts = ["Hello"];
  expect(await client.embed({ texts, truncate: true }, never)).toEqual({ embeddings: [[1]], prompt_tokens: 1 });
  await client.embed({ texts, truncate: false }, never);
  expect(asked).toEqual([{ texts, truncate: true }, { texts }, { texts }]);
});
