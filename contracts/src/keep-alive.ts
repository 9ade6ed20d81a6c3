import { z } from "zod";
import { limits } from "./limits.ts";

const secondsPer = { ms: 0.001, s: 1, m: 60, h: 3_600 } as const;
const DURATION = /^-?(?:\d{1,10}(?:\.\d{1,9})?(?:ms|s|m|h))+$/;
const PART = /([\d.]+)(ms|s|m|h)/g;

/** Below zero: it stays. */
export const STAYS = -1;

/**
 * How long a model stays loaded while nobody uses it, in seconds; as Ollama takes it also `"10m"` or `"1h30m"`. 0: until
 * the request is done; below zero: for as long as there is room.
 */
export const KeepAlive = z
  .union([
    z.number(),
    z
      .string()
      .max(64)
      .refine((text) => DURATION.test(text) || /^-?\d{1,10}$/.test(text), 'not a number of seconds, or a time as "10m"')
      .transform(secondsOf),
  ])
  .transform((seconds) => (seconds < 0 ? STAYS : Math.min(seconds, limits.keep_alive_s_max)));

function secondsOf(text: string): number {
  if (!DURATION.test(text)) return Number(text);
  if (text.startsWith("-")) return STAYS;
  const parts = [...text.matchAll(PART)];
  return parts.reduce((sum, [, n, unit]) => sum + Number(n) * secondsPer[unit as keyof typeof secondsPer], 0);
}
