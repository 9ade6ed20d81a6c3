import { spawn } from "node:child_process";
import { once } from "node:events";

/** What finds no browser to open ends at once: a program that still runs behind this has one. */
const refused_within_ms = 1_000;

/** A program that opens a page, where there is a screen to open it on. */
function browserCommand(env: NodeJS.ProcessEnv, platform: NodeJS.Platform): readonly [string, ...string[]] | undefined {
  if (env["BROWSER"]) return [env["BROWSER"]];
  if (platform === "darwin") return ["open"];
  // Not `start`, which is a shell's: it would read the address anew.
  if (platform === "win32") return ["rundll32", "url.dll,FileProtocolHandler"];
  return env["DISPLAY"] || env["WAYLAND_DISPLAY"] ? ["xdg-open"] : undefined;
}

/** @returns whether a browser took the page */
export async function openInBrowser(page: string): Promise<boolean> {
  const [program, ...args] = browserCommand(process.env, process.platform) ?? [];
  if (program === undefined) return false;
  const child = spawn(program, [...args, page], { stdio: "ignore", detached: true });
  const late = AbortSignal.timeout(refused_within_ms);
  try {
    const [code] = (await once(child, "exit", { signal: late })) as [number | null];
    return code === 0;
  } catch {
    // Some browsers stay in front; what could not even be started is none.
    return late.aborted;
  } finally {
    child.unref();
  }
}
