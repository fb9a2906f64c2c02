/** What happened in a run: a hash of all of it, and its last part in words. */

/** How many lines are kept for people. */
const TAIL_LINES = 80;

export class Trace {
  #hash = 0n;
  lines = 0;
  readonly #tail: string[] = [];

  write(atMs: number, line: string): void {
    const text = `${(atMs / 1000).toFixed(3).padStart(10)} ${line}`;
    this.#hash = Bun.hash.wyhash(text, this.#hash);
    this.#tail[this.lines % TAIL_LINES] = text;
    this.lines += 1;
  }

  get hash(): string {
    return this.#hash.toString(16).padStart(16, "0");
  }

  /** The last lines, oldest first. */
  tail(): string[] {
    const from = this.lines % TAIL_LINES;
    return this.lines <= TAIL_LINES
      ? [...this.#tail]
      : [...this.#tail.slice(from), ...this.#tail.slice(0, from)];
  }
}
