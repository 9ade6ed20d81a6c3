import { expect, test } from "vitest";
import { Slots } from "./slots.ts";

const slot = (name: string, held: string) => ({
  name,
  commonPrefix(tokens: readonly string[]) {
    let length = 0;
    while (length < held.length && held[length] === tokens[length]) length += 1;
    return length;
  },
});
const never = new AbortController().signal;

test("the free slot that holds most of the prompt is taken, among equals the longest unused", async () => {
  const [a, b, c] = [slot("a", ""), slot("b", "hello"), slot("c", "help")];
  const slots = new Slots<string, ReturnType<typeof slot>>([a, b, c]);
  expect((await slots.take("hello!".split(""), never)).name).toBe("b");
  expect((await slots.take("other".split(""), never)).name).toBe("a");
  slots.release(b);
  slots.release(a);
  expect((await slots.take("other".split(""), never)).name).toBe("c");
  expect(slots.busy).toBe(1);
});

test("who waits is served in turn; who leaves is skipped", async () => {
  const one = slot("one", "");
  const slots = new Slots<string, ReturnType<typeof slot>>([one]);
  await slots.take([], never);
  const order: string[] = [];
  const leaver = new AbortController();
  const first = slots.take([], never).then(() => order.push("first"));
  const left = slots.take([], leaver.signal).catch((error: unknown) => order.push(`left: ${String(error)}`));
  const last = slots.take([], never).then(() => order.push("last"));
  leaver.abort("gone");
  await left;
  slots.release(one);
  await first;
  slots.release(one);
  await last;
  expect(order).toEqual(["left: gone", "first", "last"]);
  expect(slots.busy).toBe(1);
  slots.release(one);
  expect(slots.busy).toBe(0);
});
