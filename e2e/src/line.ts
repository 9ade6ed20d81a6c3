import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";

/** A TCP line to a port on this machine that can be cut: every connection at once, and new ones refused meanwhile. */
export class Line {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #broken = false;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async to(target: number): Promise<Line> {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const line = new Line(server);
    server.on("connection", (near) => line.#join(near, target));
    return line;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Cuts what is open; what is dialled next goes through. */
  cut(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  break(): void {
    this.#broken = true;
    this.cut();
  }

  mend(): void {
    this.#broken = false;
  }

  close(): void {
    this.break();
    this.#server.close();
  }

  #join(near: Socket, target: number): void {
    if (this.#broken) return void near.resetAndDestroy();
    const far = connect(target, "127.0.0.1");
    near.setNoDelay(true);
    far.setNoDelay(true);
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#sockets.add(socket);
      socket.on("error", () => undefined);
      socket.on("close", () => {
        this.#sockets.delete(socket);
        other.destroy();
      });
      socket.pipe(other);
    }
  }
}
