/** Connections to processes of this machine, with the backpressure of their sockets told. */

interface Owner {
  data(bytes: Uint8Array): void;
  drained(): void;
  closed(): void;
}

/** What a socket could not take yet, and whose it is. */
class DialledLine {
  owner: Owner | undefined;
  readonly #socket: Bun.Socket<DialledLine>;
  #unsent: Uint8Array | undefined;
  #isPaused = false;

  constructor(socket: Bun.Socket<DialledLine>) {
    this.#socket = socket;
  }

  write(bytes: Uint8Array): boolean {
    const sent = Math.max(0, this.#socket.write(bytes));
    if (sent === bytes.byteLength) return true;
    this.#unsent = bytes.subarray(sent);
    return false;
  }

  /** The socket takes more. */
  flush(): void {
    const unsent = this.#unsent;
    if (unsent === undefined) return;
    this.#unsent = undefined;
    if (this.write(unsent)) this.owner?.drained();
  }

  pause(): void {
    if (this.#isPaused) return;
    this.#isPaused = true;
    this.#socket.pause();
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#socket.resume();
  }

  end(): void {
    this.owner = undefined;
    this.#socket.terminate();
  }
}

const handlers: Bun.SocketHandler<DialledLine> = {
  data: (socket, bytes) => socket.data.owner?.data(bytes),
  drain: (socket) => socket.data.flush(),
  close: (socket) => socket.data?.owner?.closed(),
  error() {}, // it closes, too
};

/** Connects to a port of 127.0.0.1; rejects when nobody listens there. */
export async function dial(port: number): Promise<DialledLine> {
  return await new Promise((resolve, reject) => {
    const open = (socket: Bun.Socket<DialledLine>) => {
      socket.data = new DialledLine(socket);
      socket.setNoDelay(true);
      resolve(socket.data);
    };
    const connectError = (_: unknown, cause: Error) => reject(cause);
    Bun.connect<DialledLine>({
      hostname: "127.0.0.1",
      port,
      socket: { ...handlers, open, connectError },
    }).catch(reject);
  });
}
