import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { RbeeError } from "@rbee/contracts";
import { expect, onTestFinished, test } from "vitest";
import { ConnectionLost, WorkerClient } from "./client.ts";
import { collect, generationOf, never, newId } from "./testing.ts";

test("[WORK-9] a worker that does not know our token is somebody else's, on the port of one that is gone", async () => {
  const { status, ...problem } = new RbeeError("unauthorized").toProblem();
  const theirs = createServer((_request, response) =>
    response.writeHead(status).end(JSON.stringify({ status, ...problem })),
  );
  theirs.listen(0, "127.0.0.1");
  await once(theirs, "listening");
  const client = new WorkerClient((theirs.address() as AddressInfo).port, "ours");
  onTestFinished(() => {
    client.close();
    theirs.close();
  });
  const call = { id: newId(), generation: generationOf({ prompt: "Hello" }) };
  await expect(collect(client.frames(call, never))).rejects.toThrow(ConnectionLost);
  await expect(client.embed({ texts: ["Hello"] }, never)).rejects.toThrow(ConnectionLost);
});
