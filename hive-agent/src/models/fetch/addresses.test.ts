import { createServer } from "node:http";
import { once } from "node:events";
import type dns from "node:dns";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { isPublicAddress } from "./addresses.ts";
import { Web } from "./web.ts";

test.each([
  ["8.8.8.8", true],
  ["1.1.1.1", true],
  ["172.15.255.255", true],
  ["172.32.0.1", true],
  ["2606:4700:4700::1111", true],
  ["2001:4860:4860::8888", true],
  ["127.0.0.1", false],
  ["127.255.0.9", false],
  ["0.0.0.0", false],
  ["10.1.2.3", false],
  ["172.16.0.1", false],
  ["172.31.255.255", false],
  ["192.168.1.1", false],
  ["100.64.0.1", false],
  ["169.254.169.254", false],
  ["198.18.0.1", false],
  ["224.0.0.1", false],
  ["255.255.255.255", false],
  ["::", false],
  ["::1", false],
  ["::ffff:127.0.0.1", false],
  ["::ffff:8.8.8.8", false],
  ["::127.0.0.1", false],
  ["64:ff9b::7f00:1", false],
  ["2002:7f00:1::", false],
  ["2001:0:7f00:1::", false],
  ["fe80::1", false],
  ["fe80::1%eth0", false],
  ["fd00::1", false],
  ["fec0::1", false],
  ["ff02::1", false],
  ["localhost", false],
  ["", false],
])("%s is on the public internet: %s", (address, expected) => {
  expect(isPublicAddress(address)).toBe(expected);
});

const none = new AbortController().signal;
const web = (allowPrivate = false, endpoint = "https://hub.example") =>
  new Web({ endpoint: new URL(endpoint), allowPrivate, idle_ms: 500 });
const refusal = (url: string) =>
  web()
    .fetch(new URL(url), { signal: none })
    .catch((error: unknown) => error);

test.each([
  "https://127.0.0.1/x.gguf",
  "https://127.1/x.gguf",
  "https://2130706433/x.gguf",
  "https://0x7f000001/x.gguf",
  "https://0177.0.0.1/x.gguf",
  "https://[::1]/x.gguf",
  "https://[::ffff:10.0.0.1]/x.gguf",
  "https://[fe80::1]/x.gguf",
  "https://169.254.169.254/latest/meta-data",
  "https://localhost/x.gguf",
  "http://8.8.8.8/x.gguf",
  "ftp://8.8.8.8/x.gguf",
])("%s is refused", async (url) => {
  expect(await refusal(url)).toMatchObject({ code: "address_refused" });
});

test("a name is asked for once, and that answer is what is judged and connected to [MODEL-4]", async () => {
  const asked: string[] = [];
  const lookup = ((name: string, _options: unknown, callback: (...answer: unknown[]) => void) => {
    asked.push(name);
    callback(null, [
      { address: "93.184.215.14", family: 4 },
      { address: "10.0.0.7", family: 4 },
    ]);
  }) as typeof dns.lookup;
  const guarded = new Web({ endpoint: new URL("https://hub.example"), allowPrivate: false, lookup });
  const failure = await guarded
    .fetch(new URL("https://rebind.example/x"), { signal: none })
    .catch((error: unknown) => error);
  expect(failure).toMatchObject({ code: "address_refused", message: expect.stringContaining("10.0.0.7") as string });
  expect(asked).toEqual(["rebind.example"]);
});

test("private addresses are for the owner to allow: all of them, or the hub's own", async () => {
  const server = createServer((_request, response) => response.end("secret")).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const url = new URL(`https://localhost:${port}/x.gguf`);
  expect(
    await web()
      .fetch(url, { signal: none })
      .catch((error: unknown) => error),
  ).toMatchObject({ code: "address_refused" });
  // The owner may allow it, in general or for the hub: exactly its port.
  const plain = new URL(`http://127.0.0.1:${port}/x.gguf`);
  expect((await web(true).fetch(plain, { signal: none })).status).toBe(200);
  const mirror = web(false, `http://127.0.0.1:${port}`);
  expect((await mirror.fetch(plain, { signal: none })).status).toBe(200);
  await expect(mirror.fetch(new URL(`https://127.0.0.1:${port + 1}/`), { signal: none })).rejects.toMatchObject({
    code: "address_refused",
  });
  server.closeAllConnections();
  server.close();
});

test.each([
  "http://169.254.169.254/latest/meta-data/x.gguf",
  "https://[fe80::1]/x.gguf",
  "http://[::ffff:169.254.169.254]/x.gguf",
  "http://[fd00:ec2::254]/x.gguf",
])("where private addresses are allowed, %s is refused all the same", async (url) => {
  const fetched = web(true).fetch(new URL(url), { signal: none });
  await expect(fetched).rejects.toMatchObject({ code: "address_refused" });
});
