import { stat } from "node:fs/promises";
import type { DownloadRow } from "../model-rows.ts";
import { Part } from "./part.ts";

/** Bytes of a download that are on disk. */
export async function doneOf({ files }: DownloadRow): Promise<number> {
  const done = await Promise.all(
    files.map(async ({ part, target, size }) => {
      const whole = await stat(target).catch(() => undefined);
      return whole === undefined ? ((await Part.doneOf(part)) ?? 0) : size;
    }),
  );
  return done.reduce((sum, bytes) => sum + bytes, 0);
}
