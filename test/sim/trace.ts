/** What happened in a run: a hash of all of it, and its last part in words. */

/** How many lines are kept for people. */
const TAIL_LINES = 80;

export class Trace {
  #hash = 0n;
  #kept = 0;
  readonly #tail: string[] = [];
  /** The last lines without their time: what goes on repeating itself is kept once. */
  #recent: readonly string[] = [];

  write(atMs: number, line: string): void {
    const text = `${(atMs / 1000).toFixed(3).padStart(10)} ${line}`;
    this.#hash = Bun.hash.wyhash(text, this.#hash);
    if (this.#recent.includes(line)) return;
    this.#recent = [line, ...this.#recent.slice(0, 2)];
    this.#tail[this.#kept % TAIL_LINES] = text;
    this.#kept += 1;
  }

  get hash(): string {
    return this.#hash.toString(16).padStart(16, "0");
  }

  /** The last lines, oldest first. */
  tail(): string[] {
    const from = this.#kept % TAIL_LINES;
    return this.#kept <= TAIL_LINES
      ? [...this.#tail]
      : [...this.#tail.slice(from), ...this.#tail.slice(0, from)];
  }
}
