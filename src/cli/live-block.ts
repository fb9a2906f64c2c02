/**
 * Lines at the foot of a terminal that are drawn again as they change, while other lines scroll
 * past above them.
 */
import type { Output } from "./output.ts";

const DRAW_MS = 100;

export class LiveBlock {
  readonly #out: Output;
  readonly #lines: () => readonly string[];
  readonly #timer: Timer;
  #drawn = 0;

  /** Draws what `lines` gives, ten times a second, until `end()`. */
  constructor(out: Output, lines: () => readonly string[]) {
    this.#out = out;
    this.#lines = lines;
    this.#timer = setInterval(() => this.draw(), DRAW_MS);
    this.draw();
  }

  draw(lines: readonly string[] = this.#lines()): void {
    this.#out.write(`${this.#erasing()}${lines.map((line) => `${line}\n`).join("")}`);
    this.#drawn = lines.length;
  }

  /** Prints text that stays, above the block. */
  above(text: string): void {
    this.#out.write(`${this.#erasing()}${text}`);
    this.#drawn = 0;
    this.draw();
  }

  /** Draws once more, the given lines instead of its own, and lets go of the terminal. */
  end(lines?: readonly string[]): void {
    clearInterval(this.#timer);
    this.draw(lines);
  }

  #erasing(): string {
    return this.#drawn === 0 ? "" : `\u001b[${this.#drawn}A\r\u001b[J`;
  }
}
