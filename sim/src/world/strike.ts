import type { TimedFault } from "../faults/plan.ts";
import type { Pipe } from "../platform/pipe.ts";
import type { World } from "./world.ts";

/** Lets a fault happen. Whatever it was meant for may not be there: then nothing happens. */
export function strike(world: World, fault: TimedFault): void {
  world.trace(() => `fault: ${JSON.stringify(fault)}`);
  const { platform, machines } = world;
  const machine = "hive" in fault ? machines[fault.hive % machines.length] : undefined;
  switch (fault.kind) {
    case "cut":
      return pick(pipesOf(world, fault.pick), fault.pick)?.cut();
    case "half_open":
      return pick(pipesOf(world, fault.pick), fault.pick)?.halfOpen(fault.client_ms, fault.server_ms);
    case "evict":
      return pick(platform.actors, fault.pick)?.reset("evicted");
    case "hibernate":
      return void pick(platform.actors, fault.pick)?.hibernate();
    case "deploy":
      for (const actor of platform.actors) actor.reset("deployed");
      return;
    case "kill":
      return machine?.kill(fault.down_ms, fault.worker_gone);
    case "power":
      return machine?.losePower(fault.down_ms);
    case "pause":
      return machine?.pause(fault.ms, false);
    case "suspend":
      return machine?.pause(fault.ms, true);
    case "disk_full":
      return machine?.fillDisk(fault.ms);
    case "partition":
      machine?.partition(fault.ms);
      for (const pipe of platform.pipes)
        if (machine !== undefined && pipe.label.startsWith(`${machine.id} `))
          pipe.halfOpen(world.random.between(10_000, 25_000), undefined);
      return;
    case "replayed":
      return machine?.replayConnect();
    case "outdated":
      return machine?.joinAnew();
    case "drain":
      return machine?.drain(fault.down_ms);
    case "hive_clock":
      return machine?.jumpWall(fault.ms);
    case "queen_clock":
      platform.jumpClock(fault.ms);
      if (fault.back_ms !== undefined) world.schedule.after(fault.back_ms, () => platform.jumpClock(-fault.ms));
      return;
  }
}

/** Every other time a lane, if there is one: most of what can be lost is on lanes. */
function pipesOf({ platform }: World, index: number): Pipe[] {
  const all = [...platform.pipes];
  const lanes = index % 2 === 0 ? [] : all.filter(({ label }) => label.includes(" lane "));
  return lanes.length > 0 ? lanes : all;
}

const pick = <T>(items: readonly T[], index: number): T | undefined => items[index % Math.max(1, items.length)];
