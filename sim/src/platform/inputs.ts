import { parseInput as parse } from "../../../contracts/src/submission.ts";

export * from "../../../contracts/src/submission.ts";

type Parse = typeof parse;

const kept = new WeakMap<object, ReturnType<Parse>>();

/** The real `parseInput`, once per operation of a kept frame: those are frozen, and so is what they mean. */
export const parseInput: Parse = (name, fields) => {
  if (!Object.isFrozen(fields)) return parse(name, fields);
  let input = kept.get(fields);
  if (input === undefined) {
    input = Object.freeze(parse(name, fields));
    kept.set(fields, input);
  }
  return input;
};
