const WIDTH = 30;

/** A bar on a terminal; nothing elsewhere. */
export function progress(total: number): { show(done: number, note: string): void; end(): void } {
  const terminal = process.stderr.isTTY;
  return {
    show(done, note) {
      if (!terminal) return;
      const filled = Math.round((WIDTH * done) / total);
      process.stderr.write(`\r${"█".repeat(filled)}${"░".repeat(WIDTH - filled)} ${done} of ${total}, ${note} `);
    },
    end() {
      if (terminal) process.stderr.write("\r\u001b[K");
    },
  };
}
