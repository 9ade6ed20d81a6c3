import { homedir } from "node:os";
import { join } from "node:path";

/** Where this machine's queen and hive keep their state: `RBEE_HOME`, else where the platform puts such things. */
export function rbeeHome(env: NodeJS.ProcessEnv = process.env, platform: NodeJS.Platform = process.platform): string {
  if (env["RBEE_HOME"]) return env["RBEE_HOME"];
  if (platform === "darwin") return join(homedir(), "Library", "Application Support", "rbee");
  if (platform === "win32") return join(env["LOCALAPPDATA"] || join(homedir(), "AppData", "Local"), "rbee");
  return join(env["XDG_STATE_HOME"] || join(homedir(), ".local", "state"), "rbee");
}
