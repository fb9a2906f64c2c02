/**
 * How much of what a plugin prints is told: one that prints without end must not keep the agent
 * from its work.
 */

/** Lines that become events in a second, and characters of them. */
export const LINES_PER_S = 20_000;
export const LINE_CHARS_PER_S = 16 * 2 ** 20;
const WINDOW_MS = 1_000;

export interface QuotaPorts {
  /** Milliseconds that only grow. */
  readonly now: () => number;
  /** Told at the end of a second in which lines were dropped, of how many. */
  readonly onDropped: (lines: number) => void;
}

export class LineQuota {
  readonly #ports: QuotaPorts;
  #endsAtMs = 0;
  #lines = 0;
  #chars = 0;
  #dropped = 0;
  #timer: Timer | undefined;

  constructor(ports: QuotaPorts) {
    this.#ports = ports;
  }

  /** Whether this line may be told; else it counts as dropped. */
  takes(line: string): boolean {
    const now = this.#ports.now();
    if (now >= this.#endsAtMs) {
      this.#endsAtMs = now + WINDOW_MS;
      this.#lines = 0;
      this.#chars = 0;
    }
    if (this.#lines < LINES_PER_S && this.#chars < LINE_CHARS_PER_S) {
      this.#lines += 1;
      this.#chars += line.length;
      return true;
    }
    this.#dropped += 1;
    this.#timer ??= setTimeout(() => this.tell(), this.#endsAtMs - now);
    return false;
  }

  /** Tells of what was dropped and not yet told. */
  tell(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const dropped = this.#dropped;
    this.#dropped = 0;
    if (dropped > 0) this.#ports.onDropped(dropped);
  }
}
