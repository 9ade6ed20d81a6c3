import fc from "fast-check";
import { Problem } from "@rbee/contracts";
import type { House } from "../house.ts";
import { mutatedBytes } from "./arbitraries.ts";
import { submissions } from "./schema.ts";
import { HANG_MS } from "./sockets.ts";

/** One request as a client library can make it. */
export interface HttpInput {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
}

const id = fc.oneof(
  fc.constant(`job_${"a".repeat(26)}`),
  fc.string({ maxLength: 40 }).map(encodeURIComponent),
  fc.constantFrom("..", "%00", "%2e%2e%2f", "job_", `job_${"a".repeat(5_000)}`),
);
const headerText = fc.string({ unit: fc.constantFrom(...Array.from("abc019.-_ ;=,\"'{}/*")), maxLength: 300 });
const query = fc.oneof(
  fc.constant(""),
  fc.tuple(fc.constantFrom("after", "format", "on_disconnect", "limit", "x"), headerText).map(([name, value]) => {
    return `?${name}=${encodeURIComponent(value)}`;
  }),
);

const submit: fc.Arbitrary<HttpInput> = fc
  .tuple(
    fc.oneof(
      submissions.map((body) => JSON.stringify(body) ?? ""),
      mutatedBytes(submissions),
    ),
    query,
    headerText,
  )
  .map(([body, query, key]) => ({
    method: "POST",
    path: `/v1/jobs${query}`,
    headers: key.trim() === "" ? {} : { "idempotency-key": key },
    body,
  }));

const enrol: fc.Arbitrary<HttpInput> = mutatedBytes(
  fc.record({
    token: fc.constantFrom(`rbj_main_${"a".repeat(32)}`, `rbj_other_${"a".repeat(32)}`),
    public_key: fc.constant("A".repeat(43)),
    hive_id: fc.constant("fuzzed"),
  }),
).map((body) => ({ method: "POST", path: "/v1/enroll", headers: {}, body }));

const address: fc.Arbitrary<HttpInput> = fc
  .record({
    method: fc.constantFrom("GET", "DELETE", "PUT", "PATCH", "HEAD", "OPTIONS", "POST"),
    path: fc.oneof(
      fc.tuple(id, fc.constantFrom("", "/stream", "/stream/"), query).map((parts) => `/v1/jobs/${parts.join("")}`),
      fc
        .tuple(fc.constantFrom("/v1/jobs", "/v1/lanes/x", "/v1/hives/connect", "/", "/%"), query)
        .map((parts) => parts.join("")),
      fc.webPath(),
    ),
    headers: fc.record(
      {
        "last-event-id": headerText,
        accept: headerText,
        origin: headerText,
        authorization: headerText,
        "x-rbee-credential": headerText,
      },
      { requiredKeys: [] },
    ),
  })
  .map((input) => ({ ...input, path: input.path === "" ? "/" : input.path }));

const large: fc.Arbitrary<HttpInput> = fc
  .integer({ min: 1_048_000, max: 1_200_000 })
  .map((size) => ({ method: "POST", path: "/v1/jobs", headers: {}, body: `{"operation":"${"x".repeat(size)}"}` }));

export const httpInputs: fc.Arbitrary<HttpInput> = fc.oneof(
  { weight: 60, arbitrary: submit },
  { weight: 10, arbitrary: enrol },
  { weight: 30, arbitrary: address },
  { weight: 1, arbitrary: large },
);

/** Every answer is one a program can read: below 500, and a problem with a code when it is a refusal. */
export async function request(house: House, { method, path, headers, body }: HttpInput): Promise<void> {
  const response = await fetch(house.url + path, {
    method,
    headers: { authorization: `Bearer ${house.key}`, ...headers },
    signal: AbortSignal.timeout(HANG_MS),
    ...(body === undefined ? {} : { body: typeof body === "string" ? body : new Uint8Array(body) }),
  });
  // What waits for a hive that is not there is a state of the fleet, and no failure of the queen.
  const offline = response.status === 503 && (await response.clone().text()).includes('"hive_offline"');
  if (response.status >= 500 && !offline) throw new Error(`answered ${response.status}: ${await response.text()}`);
  if (response.headers.get("content-type")?.startsWith("text/event-stream") === true) return response.body?.cancel();
  if (response.status < 400 || method === "HEAD") return void (await response.arrayBuffer());
  if (!Problem.safeParse(await response.json()).success) throw new Error(`a ${response.status} without a problem`);
}
