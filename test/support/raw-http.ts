/** HTTP as bytes: requests that no library would send, answers as they come off the wire. */
import { connect, createServer, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";

export interface RawPlace {
  readonly port: number;
  /** Speaks TLS, and believes this authority. */
  readonly ca?: string | undefined;
}

/** A connection that keeps all that it hears. */
export class RawHttp {
  heard = "";
  isClosed = false;
  readonly socket: Socket;
  #wake = () => {};

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on("data", (bytes) => {
      this.heard += bytes.toString("latin1");
      this.#wake();
    });
    socket.on("error", () => {}); // it closes, too
    socket.on("close", () => {
      this.isClosed = true;
      this.#wake();
    });
  }

  static async open({ port, ca }: RawPlace): Promise<RawHttp> {
    const host = "127.0.0.1";
    const socket = ca === undefined ? connect(port, host) : connectTls({ port, host, ca });
    const raw = new RawHttp(socket);
    await new Promise((resolve, reject) => {
      socket.once(ca === undefined ? "connect" : "secureConnect", resolve);
      socket.once("error", reject);
    });
    return raw;
  }

  /** Sends bytes as they are. */
  send(text: string | Uint8Array): this {
    this.socket.write(typeof text === "string" ? Buffer.from(text, "latin1") : text);
    return this;
  }

  /** Waits until this was heard; throws when the connection closes before. */
  async hear(what: RegExp | string): Promise<string> {
    const isHeard = () =>
      typeof what === "string" ? this.heard.includes(what) : what.test(this.heard);
    while (!isHeard()) {
      if (this.isClosed) throw new Error(`closed after ${JSON.stringify(this.heard.slice(-500))}`);
      await this.#change();
    }
    return this.heard;
  }

  /** Everything that is heard until the other end closes. */
  async toTheEnd(): Promise<string> {
    while (!this.isClosed) await this.#change();
    return this.heard;
  }

  close(): void {
    this.socket.destroy();
  }

  async #change(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
  }
}

/** A server whose answers a test writes itself. */
export interface RawServer extends AsyncDisposable {
  readonly port: number;
  /** What arrived, a text for each connection. */
  readonly heard: string[];
  readonly open: ReadonlySet<Socket>;
}

/** `answer` is called with each piece that arrives, and all of its connection so far. */
export async function rawServer(
  answer: (socket: Socket, piece: string, all: string) => void,
): Promise<RawServer> {
  const heard: string[] = [];
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    const at = heard.push("") - 1;
    open.add(socket);
    socket.on("close", () => open.delete(socket));
    socket.on("error", () => {});
    socket.on("data", (bytes) => {
      const piece = bytes.toString("latin1");
      heard[at] += piece;
      answer(socket, piece, heard[at] ?? "");
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  return {
    port,
    heard,
    open,
    async [Symbol.asyncDispose]() {
      for (const socket of open) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
