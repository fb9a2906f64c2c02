/**
 * The wire between a servant and a backend: TCP that a test can cut. A connection is cut with a
 * reset (RST), as a radio link that falls away or a box on the way does it; the whole wire can be
 * taken down, so that connecting is refused; and it can lose what the backend says.
 */
import { connect, createServer, type Server, type Socket } from "node:net";

export class Link {
  readonly #backendPort: number;
  /** The servant's end of each connection, by the port that the backend sees it come from. */
  readonly #ends = new Map<number, Socket>();
  readonly #all = new Set<Socket>();
  #server: Server | undefined;
  #port = 0;
  /** While true, nothing that the backend says comes through, and nobody is told. */
  isMute = false;

  private constructor(backendPort: number) {
    this.#backendPort = backendPort;
  }

  static async to(backendPort: number): Promise<Link> {
    const link = new Link(backendPort);
    await link.up();
    return link;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  get port(): number {
    return this.#port;
  }

  /** How many connections stand. */
  get connections(): number {
    return this.#ends.size;
  }

  /** Listens (again), on the same port; nothing new where it does. */
  async up(): Promise<void> {
    if (this.#server !== undefined) return;
    const server = createServer((end) => this.#join(end));
    this.#server = server;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    server.once("error", reject);
    server.listen(this.#port, "127.0.0.1", resolve);
    await promise;
    const address = server.address();
    if (typeof address === "object" && address !== null) this.#port = address.port;
  }

  /** Resets every connection and refuses new ones. */
  async down(): Promise<void> {
    const closed = Promise.withResolvers<void>();
    if (this.#server === undefined) closed.resolve();
    this.#server?.close(() => closed.resolve());
    this.#server = undefined;
    for (const socket of this.#all) socket.resetAndDestroy();
    await closed.promise;
  }

  /** Resets the connection that the backend sees come from this port. */
  reset(port: number): void {
    this.#ends.get(port)?.resetAndDestroy();
  }

  #join(end: Socket): void {
    const backend = connect(this.#backendPort, "127.0.0.1");
    for (const [from, to] of [
      [end, backend],
      [backend, end],
    ] as const) {
      this.#all.add(from);
      from.setNoDelay(true);
      from.on("data", (bytes) => {
        if (from === end || !this.isMute) to.write(bytes);
      });
      from.on("end", () => to.end());
      from.on("error", () => {}); // the other end hears of it by "close"
      from.on("close", () => {
        this.#all.delete(from);
        to.destroy();
      });
    }
    backend.on("connect", () => {
      const port = backend.localPort ?? 0; // once it is closed it has none
      this.#ends.set(port, end);
      backend.on("close", () => this.#ends.delete(port));
    });
  }
}
