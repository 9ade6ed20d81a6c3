import { spawnSync } from "node:child_process";

/*
 * The least rights that the platform takes away at no cost. Linux: nothing a worker starts can gain rights (no setuid
 * program, no capability), and a crash leaves no core file, which would hold prompts. Elsewhere there is no such program
 * that can be relied on. Everywhere Node's permissions keep a worker's code from writing files and, where it needs none,
 * from starting programs (kinds.ts); its environment is empty of secrets, and it listens on the loopback address only. [WORK-5]
 */

const limitsArgs = ["--core=0:0", "--"];
const rightsArgs = ["--no-new-privs", "--inh-caps=-all"];

let available: boolean | undefined;

/** Old and small systems have other programs of the same names, so it is tried, once. */
function isAvailable(): boolean {
  available ??=
    process.platform === "linux" &&
    spawnSync("prlimit", [...limitsArgs, "setpriv", ...rightsArgs, "--pdeathsig", "KILL", "--", "true"], {
      stdio: "ignore",
    }).status === 0;
  return available;
}

/** The command with fewer rights; the process keeps the pid. `dieWithParent`: it is killed when its parent ends. */
export function confined(
  program: string,
  args: readonly string[],
  options: { dieWithParent: boolean } = { dieWithParent: false },
): { program: string; args: readonly string[] } {
  if (!isAvailable()) return { program, args };
  const death = options.dieWithParent ? ["--pdeathsig", "KILL"] : [];
  return {
    program: "prlimit",
    args: [...limitsArgs, "setpriv", ...rightsArgs, ...death, "--", program, ...args],
  };
}
