import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { Miniflare } from "miniflare";
import { afterAll, beforeAll, expect, test } from "vitest";
import { House } from "../house.ts";

/** The SDK in somebody's own Worker, on the runtime that Cloudflare runs it on. */

const program = `
import { RbeeClient, RbeeError } from "@rbee/sdk";

export default {
  async fetch(request, env, ctx) {
    const client = new RbeeClient({ url: env.RBEE_URL, key: request.headers.get("x-key") ?? env.RBEE_API_KEY });
    const { pathname, searchParams } = new URL(request.url);
    try {
      if (pathname === "/hives") return Response.json(await client.hives.list());
      if (pathname === "/fleet") for await (const fleet of client.heartbeats()) return Response.json(fleet);
      const call = client.infer({ model: "bee-tiny", prompt: searchParams.get("prompt"), temperature: 0 }, { signal: request.signal });
      const { readable, writable } = new TransformStream();
      const pour = async () => {
        const writer = writable.getWriter();
        const bytes = new TextEncoder();
        for await (const piece of call.text()) await writer.write(bytes.encode(piece));
        await writer.close();
      };
      ctx.waitUntil(pour());
      return new Response(readable, { headers: { "x-job": await call.id } });
    } catch (error) {
      return error instanceof RbeeError ? Response.json({ code: error.code }, { status: error.status }) : Response.json(String(error), { status: 500 });
    }
  },
};
`;

let house: House;
let worker: Miniflare;
beforeAll(async () => {
  house = await House.open();
  await house.startHive("den");
  const resolveDir = fileURLToPath(new URL(".", import.meta.url));
  const { outputFiles } = await build({
    stdin: { contents: program, resolveDir },
    bundle: true,
    write: false,
    format: "esm",
    conditions: ["workerd"],
  });
  worker = new Miniflare({
    telemetry: { enabled: false },
    workers: [
      {
        config: {
          name: "somebodys",
          compatibilityDate: "2026-10-15",
          manifest: {
            mainModule: "worker.js",
            modules: { "worker.js": { type: "esm", contents: outputFiles[0]?.text ?? "" } },
          },
          env: {
            RBEE_URL: { type: "text", value: house.url },
            RBEE_API_KEY: { type: "text", value: house.key },
          },
        },
      },
    ],
  });
  await worker.ready;
});
afterAll(async () => {
  await worker.dispose();
  await house.close();
});

test("an answer streams through a Worker, and is a job like any other", async () => {
  const response = await worker.dispatchFetch("http://worker/?prompt=What+do+bees+eat%3F");
  expect(await response.text()).toContain("nectar and pollen");
  const job = await house.client().get(response.headers.get("x-job") ?? "");
  expect(job).toMatchObject({ operation: "infer", state: "succeeded" });
});

test("questions are answered, the fleet is heard, and a refusal has its code", async () => {
  const [hives, fleet, refused] = await Promise.all([
    worker.dispatchFetch("http://worker/hives"),
    worker.dispatchFetch("http://worker/fleet"),
    worker.dispatchFetch("http://worker/hives", { headers: { "x-key": "rbk_wrong" } }),
  ]);
  const den = { hives: [{ hive_id: "den", connected: true }] };
  expect(await hives.json()).toMatchObject(den);
  expect(await fleet.json()).toMatchObject(den);
  expect({ status: refused.status, body: await refused.json() }).toEqual({
    status: 401,
    body: { code: "unauthorized" },
  });
});
