import type { Random } from "../platform/random.ts";
import { askedAgain, backForGood, ghost, lateHello, lateLane, leaving, reopened, unanswered } from "./families-rare.ts";
import { jumpingClock, lostTail, power, reading, repeated, zombie } from "./families-lost.ts";
import { cancelled, lateDecision, lateNews, lateOperation, replaced, unheard } from "./families-told.ts";
import type { Family, World } from "./family.ts";

const families: readonly Family[] = [
  zombie,
  lateHello,
  lostTail,
  jumpingClock,
  cancelled,
  replaced,
  replaced,
  lateOperation,
  lateNews,
  lateDecision,
  unheard,
  repeated,
  power,
  reading,
  ghost,
  reopened,
  askedAgain,
  leaving,
  backForGood,
  lateLane,
  unanswered,
];

/** A world in which one kind of trouble is likely. */
export const directed = (random: Random): World => random.pick(families)(random);
