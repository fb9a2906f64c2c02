/**
 * The last lines of a kind, in memory and kept. Their times rise strictly, in this life and over a
 * restart: clients ask for what is newer than what they have.
 */
import type { Json } from "../core/json.ts";
import type { Clock } from "../core/ports.ts";
import type { Keep, LineKind, StoredLine } from "./store.ts";

export interface Line<T> {
  /** Epoch microseconds: as seconds they stay distinct doubles for centuries. */
  readonly atMicros: number;
  readonly value: T;
}
export interface Limits {
  /** At least so many of the last lines are there, if they are within `bytesMax`. */
  readonly rows: number;
  /** All of them together, as JSON. */
  readonly bytesMax: number;
}
interface Sized<T> extends Line<T> {
  readonly bytes: number;
}

export class Lines<T extends Json> {
  readonly #kind: LineKind;
  readonly #clock: Clock;
  readonly #keep: Keep;
  readonly #limits: Limits;
  #lines: Sized<T>[] = [];
  #bytes = 0;
  #lastMicros = 0;

  constructor(kind: LineKind, parts: { clock: Clock; keep: Keep; limits: Limits }) {
    this.#kind = kind;
    this.#clock = parts.clock;
    this.#keep = parts.keep;
    this.#limits = parts.limits;
  }

  /** Oldest first. */
  get all(): readonly Line<T>[] {
    return this.#lines;
  }

  /** Takes back what was kept. */
  restore(kept: readonly StoredLine[]): void {
    for (const { atMicros, value } of kept) {
      this.#push(atMicros, value as T);
    }
  }

  add(value: T): void {
    const atMicros = Math.max(Math.round(this.#clock.now() * 1_000), this.#lastMicros + 1);
    this.#push(atMicros, value);
    this.#keep.line(this.#kind, atMicros, value);
    this.#forgetOld();
  }

  clear(): void {
    [this.#lines, this.#bytes] = [[], 0];
    this.#keep.trim(this.#kind, this.#lastMicros);
  }

  #push(atMicros: number, value: T): void {
    const bytes = JSON.stringify(value).length;
    this.#lines.push({ atMicros, value, bytes });
    this.#bytes += bytes;
    this.#lastMicros = Math.max(this.#lastMicros, atMicros);
  }

  /** Many at a time: to move the rest for each would cost their number. */
  #forgetOld(): void {
    const { rows, bytesMax } = this.#limits;
    if (this.#lines.length <= rows * 2 && this.#bytes <= bytesMax) return;
    let first = Math.max(0, this.#lines.length - rows);
    let bytes = this.#lines.slice(first).reduce((sum, line) => sum + line.bytes, 0);
    const target = this.#bytes > bytesMax ? bytesMax / 2 : bytesMax;
    while (bytes > target && first < this.#lines.length - 1) {
      bytes -= this.#lines[first]?.bytes ?? 0;
      first += 1;
    }
    const last = this.#lines[first - 1];
    this.#lines = this.#lines.slice(first);
    this.#bytes = bytes;
    if (last !== undefined) this.#keep.trim(this.#kind, last.atMicros);
  }
}
