/** What a socket could not take yet, in order. */
export class Outbox {
  /** Returns how many bytes the socket took, negative when it is closed. */
  readonly #write: (bytes: Uint8Array) => number;
  #waiting: Uint8Array[] = [];
  #bytes = 0;
  #isClosed = false;

  constructor(write: (bytes: Uint8Array) => number) {
    this.#write = write;
  }

  /** How many bytes wait. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The socket was found closed. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Keeps hold of what the socket does not take at once. */
  send(bytes: Uint8Array): void {
    const rest = this.#bytes === 0 ? this.#put(bytes) : bytes;
    if (rest.byteLength === 0) return;
    this.#waiting.push(rest);
    this.#bytes += rest.byteLength;
  }

  /** The socket takes more. */
  flush(): void {
    const waiting = this.#waiting;
    this.clear();
    for (const each of waiting) this.send(each);
  }

  clear(): void {
    this.#waiting = [];
    this.#bytes = 0;
  }

  /** Returns what is left of it. */
  #put(bytes: Uint8Array): Uint8Array {
    const taken = this.#write(bytes);
    if (taken < 0) this.#isClosed = true;
    return bytes.subarray(Math.max(0, taken));
  }
}
