/** What happened in a run: a hash of all of it, and its last part in words. */

/** How many lines are kept for people. */
const TAIL_LINES = 80;

export class Trace {
  #hash = 0;
  #kept = 0;
  readonly #tail: { atMs: number; line: string }[] = [];
  /** The last lines: what goes on repeating itself is kept once. */
  #recent: readonly string[] = [];
  readonly #onLine: ((text: string) => void) | undefined;

  /** `onLine` is told every line. */
  constructor(onLine?: (text: string) => void) {
    this.#onLine = onLine;
  }

  write(atMs: number, line: string): void {
    // The moment goes into the seed: putting it into words for every line would cost the most.
    this.#hash = Bun.hash.xxHash32(line, (this.#hash + Math.round(atMs * 1_000)) >>> 0);
    this.#onLine?.(inWords(atMs, line));
    if (this.#recent.includes(line)) return;
    this.#recent = [line, ...this.#recent.slice(0, 2)];
    this.#tail[this.#kept % TAIL_LINES] = { atMs, line };
    this.#kept += 1;
  }

  get hash(): string {
    return this.#hash.toString(16).padStart(8, "0");
  }

  /** The last lines, oldest first. */
  tail(): string[] {
    const from = this.#kept % TAIL_LINES;
    const lines =
      this.#kept <= TAIL_LINES
        ? this.#tail
        : [...this.#tail.slice(from), ...this.#tail.slice(0, from)];
    return lines.map(({ atMs, line }) => inWords(atMs, line));
  }
}

function inWords(atMs: number, line: string): string {
  return `${(atMs / 1000).toFixed(3).padStart(10)} ${line}`;
}
