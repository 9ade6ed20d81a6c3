import { buildCommand, type Command, type CommandContext } from "@stricli/core";
import type { JobClient } from "@rbee/sdk";
import { addressFlags, clientOf, commonFlags, type CommonFlags } from "../common-flags.ts";
import { interruption } from "../interruption.ts";
import { queenAddress } from "../queen-address.ts";
import { printData, printJson, widthOf } from "../terminal/output.ts";
import { lookAtFleet, watchFleet, type Sight } from "./fleet-source.ts";
import { frameOf } from "./frame.ts";
import { FullScreen } from "./full-screen.ts";

interface TopFlags extends CommonFlags {
  readonly once?: boolean | undefined;
}

/** `rbee top`: the fleet while one looks at it. */
export const topCommand = (): Command<CommandContext> =>
  buildCommand<TopFlags>({
    docs: {
      brief: "Watch hives, workers, queue and jobs live",
      fullDescription: "Hives, workers, the queue and the newest jobs, live. `rbee queue` says why something waits.",
      customUsage: [
        { input: "", brief: "The whole terminal, until q or Ctrl-C" },
        { input: "--once", brief: "One look, as a pipe gets it" },
      ],
    },
    parameters: {
      flags: {
        once: { kind: "boolean", optional: true, withNegated: false, brief: "Print one frame and end" },
        ...addressFlags,
        json: commonFlags.json,
      },
    },
    func: async (flags) => {
      const client = clientOf(flags);
      if (flags.json === true) return printJson(await lookAtFleet(client));
      const queen = queenAddress(flags).url;
      if (flags.once !== true && process.stdout.isTTY) return watch(client, queen);
      const size = { columns: widthOf(process.stdout), rows: Infinity };
      printData(frameOf({ fleet: await lookAtFleet(client) }, queen, size).join("\n"));
    },
  });

/** What runs gets older, also while the queen has no news. */
const DRAW_EVERY_MS = 1_000;

async function watch(client: JobClient, queen: string): Promise<void> {
  const { signal, end } = interruption();
  const left = new AbortController();
  let sight: Sight | undefined;
  let screen: FullScreen | undefined;
  const draw = (): void => {
    if (sight !== undefined) screen?.draw(frameOf(sight, queen, { ...screen.size, hint: "q quits" }));
  };
  const clock = setInterval(draw, DRAW_EVERY_MS);
  try {
    await watchFleet(client, AbortSignal.any([signal, left.signal]), (seen) => {
      sight = seen;
      // Only now: an error of the first look belongs on the ordinary screen.
      screen ??= new FullScreen({ quit: () => left.abort(), resize: draw });
      draw();
    });
  } finally {
    clearInterval(clock);
    screen?.close();
    end();
  }
}
