/** Everything else in the agent's environment is none of another program's business. */
const passedOn = ["PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "LD_LIBRARY_PATH"];
const passedOnWindows = ["SystemRoot", "TEMP", "USERPROFILE", "LOCALAPPDATA"];

/** The little that a program this agent starts needs to know, and the variables named besides. */
export function cleanEnvironment(more: readonly string[] = []): NodeJS.ProcessEnv {
  const names = [...passedOn, ...(process.platform === "win32" ? passedOnWindows : []), ...more];
  return Object.fromEntries(
    names.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])),
  );
}
