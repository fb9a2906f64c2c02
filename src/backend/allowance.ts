/** How much clients may leave here of a kind, all of it together: memory has an end. */
import { ServantError } from "../core/errors.ts";
import type { Json } from "../core/json.ts";

export class Allowance {
  readonly #charactersMax: number;
  readonly #what: string;
  readonly #lengths = new Map<string, number>();
  #characters = 0;

  /** So many characters as JSON, of what `what` says in words. */
  constructor(charactersMax: number, what: string) {
    this.#charactersMax = charactersMax;
    this.#what = what;
  }

  /**
   * Makes room for what is kept under this name, in place of what was.
   *
   * @throws {ServantError} `request.too-large` when there is none: then nothing has changed
   */
  take(name: string, value: Json): void {
    const { length } = JSON.stringify(value);
    const characters = this.#characters - (this.#lengths.get(name) ?? 0) + length;
    if (characters > this.#charactersMax) {
      const reason = `${this.#what} have ${this.#charactersMax} characters together at most`;
      throw new ServantError("request.too-large", `Cannot keep "${name}": ${reason}`);
    }
    this.#note(name, length);
  }

  /** Counts what an earlier life kept: it is there, whatever the limit. */
  restore(name: string, value: Json): void {
    this.#note(name, JSON.stringify(value).length);
  }

  free(name: string): void {
    this.#characters -= this.#lengths.get(name) ?? 0;
    this.#lengths.delete(name);
  }

  clear(): void {
    this.#lengths.clear();
    this.#characters = 0;
  }

  #note(name: string, length: number): void {
    this.free(name);
    this.#characters += length;
    this.#lengths.set(name, length);
  }
}
