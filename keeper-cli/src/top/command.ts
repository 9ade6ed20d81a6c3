import { buildCommand, type Command, type CommandContext } from "@stricli/core";
import { addressFlags, clientOf, commonFlags, type CommonFlags } from "../common-flags.ts";
import { interruption } from "../interruption.ts";
import { queenAddress } from "../queen-address.ts";
import { printData, printJson, widthOf } from "../terminal/output.ts";
import { fleetSights, lookAtFleet, type Sight } from "./fleet-source.ts";
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
      if (flags.once !== true && process.stdout.isTTY) return watch(flags, queen);
      const size = { columns: widthOf(process.stdout), rows: Infinity };
      printData(frameOf({ state: await lookAtFleet(client) }, queen, size).join("\n"));
    },
  });

async function watch(flags: TopFlags, queen: string): Promise<void> {
  const { signal, end } = interruption();
  const left = new AbortController();
  const sights = fleetSights(clientOf(flags), AbortSignal.any([signal, left.signal]));
  let sight: Sight | undefined;
  let screen: FullScreen | undefined;
  const draw = (): void => {
    if (sight !== undefined) screen?.draw(frameOf(sight, queen, { ...screen.size, hint: "q quits" }));
  };
  try {
    for await (sight of sights) {
      // Only now: an error of the first look belongs on the ordinary screen.
      screen ??= new FullScreen({ quit: () => left.abort(), resize: draw });
      draw();
    }
  } finally {
    screen?.close();
    end();
  }
}
