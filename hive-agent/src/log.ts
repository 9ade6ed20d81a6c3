type Fields = Readonly<Record<string, string | number | boolean | undefined>>;

/** For the person who runs the agent. Never prompts, completions or keys. */
export interface Log {
  info(message: string, fields?: Fields): void;
  warn(message: string, fields?: Fields): void;
  error(message: string, fields?: Fields): void;
}

/** One line per message on stderr; stdout belongs to the events that programs read. */
export function stderrLog(name: string): Log {
  const write = (level: string) => (message: string, fields?: Fields) => {
    const said = Object.entries(fields ?? {})
      .filter(([, value]) => value !== undefined)
      .map(([key, value]) => ` ${key}=${JSON.stringify(value)}`);
    process.stderr.write(`${new Date().toISOString()} ${level} ${name}: ${message}${said.join("")}\n`);
  };
  return { info: write("INFO"), warn: write("WARN"), error: write("ERROR") };
}

export const silentLog: Log = { info: () => {}, warn: () => {}, error: () => {} };
