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
/**
 * A line that waits for the next request longer than this, and up to twice as long, is ended: while it is open
 * the process at its other end looks at its sockets each second. In milliseconds.
 */
const IDLE_MS = 5_000;

/** The lines that wait for their next request, by the port they lead to. */
export class Lines {
  readonly #idle = new Map<number, Line[]>();
  readonly #idleMs: number;
  /** Of those, the ones that waited at the last look. */
  #old = new Set<Line>();
  #look: Timer | undefined;
  #isClosed = false;

  constructor(idleMs: number = IDLE_MS) {
    this.#idleMs = idleMs;
  }

  /** One that is open and was used before. */
  waiting(port: number): Line | undefined {
    const line = this.#idle.get(port)?.pop();
    if (line !== undefined) this.#old.delete(line);
    return line;
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
      this.#old.delete(line);
      if (idle.length === 0 && this.#idle.get(port) === idle) this.#idle.delete(port);
    };
    const speaksUnasked = () => {
      forget();
      line.end();
    };
    line.owner = { data: speaksUnasked, drained() {}, closed: forget };
    idle.push(line);
    this.#idle.set(port, idle);
    this.#look ??= setTimeout(() => this.#endOld(), this.#idleMs).unref();
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#look);
    for (const line of [...this.#idle.values()].flat()) line.end();
    this.#idle.clear();
  }

  /** Ends those that waited at the last look, too. */
  #endOld(): void {
    this.#look = undefined;
    const left = new Set<Line>();
    for (const [port, idle] of this.#idle) {
      const young = idle.filter((line) => !this.#old.has(line));
      for (const line of idle) if (this.#old.has(line)) line.end();
      for (const line of young) left.add(line);
      idle.splice(0, idle.length, ...young); // whoever closes looks for itself in this very list
      if (young.length === 0) this.#idle.delete(port);
    }
    this.#old = left;
    if (left.size > 0) this.#look = setTimeout(() => this.#endOld(), this.#idleMs).unref();
  }
}
