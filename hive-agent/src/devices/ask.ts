import { limits } from "@rbee/contracts";
import { execFile } from "node:child_process";

/**
 * What a program says about this machine; undefined when it is not there, fails, or does not answer in time. Drivers
 * hang and crash, so they are only ever asked in a process of their own.
 */
export function ask(program: string, args: readonly string[], env?: NodeJS.ProcessEnv): Promise<string | undefined> {
  const bounds = { timeout: limits.device_probe_ms, killSignal: "SIGKILL", maxBuffer: limits.body_bytes_max } as const;
  return new Promise((resolve) => {
    const options = { ...bounds, ...(env === undefined ? {} : { env }) };
    execFile(program, args, options, (error, stdout) => resolve(error === null ? stdout : undefined));
  });
}
