import { once } from "node:events";
import { createServer } from "node:net";
import { fail } from "../failure.ts";

/** @throws RbeeError when somebody else listens there */
export async function requireFreePort(port: number): Promise<void> {
  if (port === 0) return;
  const probe = createServer();
  try {
    probe.listen(port, "127.0.0.1");
    await once(probe, "listening");
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const why = code === "EADDRINUSE" ? "is taken" : `cannot be used (${code})`;
    throw fail(
      "unavailable",
      `port ${port} ${why}`,
      "Choose another one with --port 7840, or any free one with --port 0.",
    );
  }
  probe.close();
  await once(probe, "close");
}
