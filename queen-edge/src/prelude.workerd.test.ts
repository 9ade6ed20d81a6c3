import { beforeEach, describe, expect, test } from "vitest";
import { dataOf, INFER, readAll, submit } from "./testing/queen-client.ts";
import { TestHive } from "./testing/test-hive.ts";

const RESULT = { text: "a", finish_reason: "stop" };

let hive: TestHive;
let hives = 0;

beforeEach(async () => {
  hive = await TestHive.enrol(`brief-${++hives}`);
  await hive.connect();
  return () => hive.hangUp();
});

describe("first words on the control socket", () => {
  test("a short job is over with them, and needs no lane", async () => {
    const id = await submit({ ...INFER, hive_id: hive.hive_id });
    const { job_id, term } = await hive.op();
    const end = { t: "end", final: 1, outcome: { status: "succeeded", result: RESULT } } as const;
    hive.control.send({
      t: "prelude",
      job_id,
      term,
      frames: [{ t: "lane_hello", last: 1 }, { t: "ev", first: 1, items: ["a"] }, end],
    });
    expect(await hive.control.next()).toEqual({
      t: "prelude_answer",
      job_id,
      term,
      frames: [{ t: "ready", acked: 0 }, { t: "end_ack" }],
    });
    expect(dataOf(await readAll(id))).toEqual(['[TOKEN] "a"', JSON.stringify(RESULT), "[DONE]"]);
  });

  test("what is said again on the lane is not doubled", async () => {
    const id = await submit({ ...INFER, hive_id: hive.hive_id });
    const op = await hive.op();
    hive.control.send({
      t: "prelude",
      job_id: id,
      term: op.term,
      frames: [
        { t: "lane_hello", last: 1 },
        { t: "ev", first: 1, items: ["a"] },
      ],
    });
    expect(await hive.control.next()).toMatchObject({
      frames: [
        { t: "ready", acked: 0 },
        { t: "ack", acked: 1 },
      ],
    });
    const { lane, acked } = await hive.lane(op, 1);
    expect(acked).toBe(1);
    lane.send({ t: "ev", first: 1, items: ["a", "b"] });
    lane.send({ t: "end", final: 2, outcome: { status: "succeeded", result: RESULT } });
    expect(dataOf(await readAll(id)).slice(0, 2)).toEqual(['[TOKEN] "a"', '[TOKEN] "b"']);
  });

  test("from a hive that does not have the job, or of another term, they count for nothing", async () => {
    const id = await submit({ ...INFER, hive_id: hive.hive_id });
    const op = await hive.op();
    const other = await TestHive.enrol("other-hive");
    await other.connect();
    const frames = [{ t: "ev", first: 1, items: ["x"] }];
    other.control.send({ t: "prelude", job_id: id, term: op.term, frames });
    expect(await other.control.next()).toMatchObject({ t: "prelude_answer", frames: [] });
    hive.control.send({ t: "prelude", job_id: id, term: op.term + 2, frames });
    expect(await hive.control.next()).toMatchObject({ t: "prelude_answer", frames: [] });
    await other.hangUp();
  });
});
