import { limits } from "@rbee/contracts";
import { expect, test } from "vitest";
import { Conversations, sessionTexts } from "./conversations.ts";

const user = (content: string) => ({ role: "user", content });
const assistant = (content: string) => ({ role: "assistant", content });

test("a turn finds the one before it, a repeated one itself, and nothing finds a stranger's", () => {
  const first = [{ role: "system", content: "Be brief." }, user("Hello")];
  const second = [...first, assistant("Hi."), user("How are you?")];
  const third = [...second, assistant("Fine."), user("Good.")];
  const [one, two, three] = [first, second, third].map((messages) => sessionTexts({ messages }));
  expect(two?.find).toContain(one?.keep);
  expect(three?.find.slice(0, 2)).toEqual([three?.keep, two?.keep]);
  expect(one?.find).toEqual([one?.keep]);
  // Another answer, or another beginning, is another conversation.
  const edited = [...first, assistant("Go away."), user("How are you?"), assistant("Fine."), user("Good.")];
  expect(sessionTexts({ messages: edited })?.find).not.toContain(two?.keep);
  expect(sessionTexts({ messages: [user("Hello")] })?.find).not.toContain(one?.keep);
});

test("what the client calls its session goes before its messages; a bare prompt is no conversation", () => {
  expect(sessionTexts({ session: "s", messages: [user("Hello")] })).toEqual(
    sessionTexts({ session: "s", messages: [] }),
  );
  expect(sessionTexts({ prompt: "Hello" })).toBeUndefined();
});

test("however long a chat is, only a few places in it are looked up", () => {
  const messages = Array.from({ length: 400 }, (_, i) => (i % 2 === 0 ? user(`${i}`) : assistant(`${i}`)));
  expect(sessionTexts({ messages })?.find).toHaveLength(limits.conversation_turns_looked_up + 1);
});

test("only the newest are remembered, and each worker knows for how many it is", () => {
  const conversations = new Conversations();
  const seat = { hive_id: "a", worker_id: "worker-a" };
  for (let n = 0; n <= limits.conversations_max; n++) conversations.note(`s${n}`, seat);
  const find = (key: string) => conversations.find({ keep: key, find: [key] });
  expect([find("s0"), find("s1")]).toEqual([undefined, seat]);
  expect(conversations.on("a", "worker-a")).toBe(limits.conversations_max);
  conversations.note("s1", { hive_id: "b", worker_id: "worker-a" });
  expect([conversations.on("a", "worker-a"), conversations.on("b", "worker-a")]).toEqual([
    limits.conversations_max - 1,
    1,
  ]);
});
