import { renameSync } from "node:fs";
import { basename, dirname } from "node:path";
import { RbeeError } from "@rbee/contracts";
import type { Log } from "../log.ts";
import { FileDamaged, FileInUse, NodeSql } from "./node-sql.ts";

/** Opens a database of the agent's home; a damaged one is put aside. @throws RbeeError when another agent has it */
export function openDatabase(file: string, log: Log): NodeSql {
  try {
    return new NodeSql(file);
  } catch (error) {
    if (error instanceof FileInUse) {
      throw new RbeeError("unavailable", `another agent runs with its state in ${dirname(file)}`, { cause: error });
    }
    if (!(error instanceof FileDamaged)) {
      const why = `${file} cannot be opened (${(error as Error).message})`;
      throw new RbeeError("unavailable", `${why}: make its folder writable, with room on the disk`, { cause: error });
    }
    // Better no memory than no hive: the queen notices which jobs are gone.
    log.error(`${basename(file)} is damaged; it is kept as ${basename(file)}.damaged and a new one begun`);
    renameSync(file, `${file}.damaged`);
    return new NodeSql(file);
  }
}
