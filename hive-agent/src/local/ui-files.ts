import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { UiFiles } from "@rbee/job-http";
import { uiFolder } from "@rbee/web-ui/build";

/** The same interface as the queen's; here it finds this hive only. `uiResponse` asks for plain names alone. */
export const uiFiles: UiFiles = async (path) => {
  try {
    return new Uint8Array(await readFile(join(uiFolder, path)));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw error;
  }
};
