/** A connection to a session's process, as the proxy is handed it: bytes both ways, with backpressure. */

/** Who a line's bytes are for. */
export interface LineOwner {
  /** The bytes are the owner's to keep. */
  data(bytes: Uint8Array): void;
  /** What `write` could not send at once is sent. */
  drained(): void;
  /** It has ended, by whichever side; nothing comes after this. */
  closed(): void;
}

export interface Line {
  owner: LineOwner | undefined;
  /** False: the rest waits in the line, and nothing is to be written until `drained`. */
  write(bytes: Uint8Array): boolean;
  /** Reads no more until `resume`: the sender is held up by its own socket. */
  pause(): void;
  resume(): void;
  /** Ends it at once, whatever is on its way. The owner is not told. */
  end(): void;
}

/** Rejects when nobody listens on that port of 127.0.0.1. */
export type Dial = (port: number) => Promise<Line>;

/** Lines to one session that wait for the next request, at most. */
const IDLE_MAX = 64;

/** The lines that wait for their next request, by the port they lead to. */
export class Lines {
  readonly #dial: Dial;
  readonly #idle = new Map<number, Line[]>();
  #isClosed = false;

  constructor(dial: Dial) {
    this.#dial = dial;
  }

  /** One that is open and was used before. */
  waiting(port: number): Line | undefined {
    return this.#idle.get(port)?.pop();
  }

  async open(port: number): Promise<Line> {
    return await this.#dial(port);
  }

  /** Keeps a line whose last answer is over. */
  keep(port: number, line: Line): void {
    const idle = this.#idle.get(port) ?? [];
    if (this.#isClosed || idle.length >= IDLE_MAX) {
      line.end();
      return;
    }
    const forget = () => {
      const at = idle.indexOf(line);
      if (at >= 0) idle.splice(at, 1);
      if (idle.length === 0 && this.#idle.get(port) === idle) this.#idle.delete(port);
    };
    const speaksUnasked = () => {
      forget();
      line.end();
    };
    line.owner = { data: speaksUnasked, drained() {}, closed: forget };
    idle.push(line);
    this.#idle.set(port, idle);
  }

  close(): void {
    this.#isClosed = true;
    for (const line of [...this.#idle.values()].flat()) line.end();
    this.#idle.clear();
  }
}
