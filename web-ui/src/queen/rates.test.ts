import { expect, test } from "vitest";
import { figuresOf } from "./rates.ts";

const look = (at: number, completion_tokens: number, [first_tokens, ttft_s] = [0, 0]) => ({
  at,
  completion_tokens,
  first_tokens,
  ttft_s,
});

test("a rate is what was counted over ten seconds, or since the first look", () => {
  const looks = [0, 2, 4, 6, 8, 10, 12, 14].map((at) => look(at, at >= 4 ? 100 : 0));
  expect(figuresOf(looks).map(({ tokens_per_s }) => tokens_per_s)).toEqual([0, 25, 100 / 6, 12.5, 10, 10, 0]);
});

test("a time to first token is the mean of the answers since the look before, if there were any", () => {
  const looks = [look(0, 0, [4, 1]), look(2, 0, [6, 2]), look(4, 0, [6, 2]), look(6, 0, [7, 5])];
  expect(figuresOf(looks).map(({ ttft_s }) => ttft_s)).toEqual([0.5, null, 3]);
});

test("after a gap, and when the queen began anew, no figure is made up", () => {
  expect(figuresOf([look(0, 0), look(100, 500)])).toMatchObject([{ tokens_per_s: 5 }]);
  expect(figuresOf([look(0, 500, [9, 9]), look(2, 10, [1, 1])])).toMatchObject([{ tokens_per_s: 0, ttft_s: null }]);
  expect(figuresOf([look(0, 5)])).toEqual([]);
});
