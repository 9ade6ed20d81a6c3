import { formatPosition, isAfter, isEndOfJob, type Position } from "@rbee/job-core";
import type { World } from "../world/world.ts";
import type { Judged } from "./verdict.ts";

/**
 * What a reader saw is what the log holds: nothing missing before its last event, nothing different, and the whole of it
 * if it was there to the end. Events of a hive that lost its term may have been shown and not kept; of the term that
 * ended the job never, nor tokens of a job that another hive goes on with, nor anything by an object that was never lost.
 */
export function checkReaders(world: World, { client, phase, entries }: Judged): void {
  if (client.readers.length === 0) return;
  const stored = new Map(entries.map(({ position, event }) => [formatPosition(position), JSON.stringify(event)]));
  for (const reader of client.readers) {
    const last: Position | undefined = reader.seen.at(-1)?.position;
    const seen = new Set<string>();
    for (const { position, event } of reader.seen) {
      const id = formatPosition(position);
      seen.add(id);
      const kept = stored.get(id);
      if (kept === undefined) {
        const exact = client.plan.continues && event.type === "token";
        const wasLost = client.actor.life > 1;
        const may = wasLost && position.term !== phase.term && position.term % 2 === 1 && !exact;
        if (!may) world.fail(`${reader.label} saw ${id}, which the log has not`);
      } else if (kept !== JSON.stringify(event))
        world.fail(`${reader.label} saw ${JSON.stringify(event)}, the log has ${kept}`);
    }
    for (const { position } of entries) {
      if (last === undefined || reader.isAhead || isAfter(position, last)) break;
      if (!seen.has(formatPosition(position))) world.fail(`${reader.label} did not see ${formatPosition(position)}`);
    }
    const end = reader.seen.at(-1);
    if (reader.isComplete && !reader.isAhead && (end === undefined || !isEndOfJob(end.event)))
      world.fail(`${reader.label} was there to the end and did not see it`);
  }
}
