/** Facts that nobody waits for, until a commit takes them all. */
import type { EntryKey, Fact } from "../core/entry.ts";

/** So many are taken along by the next commit, due or not. */
const MANY = 256;

export class LazyFacts {
  #facts: Fact[] = [];
  readonly #keys = new Set<EntryKey>();

  /** In the order they came. */
  get all(): readonly Fact[] {
    return this.#facts;
  }

  get isMany(): boolean {
    return this.#facts.length >= MANY;
  }

  add(facts: readonly Fact[]): void {
    this.#facts.push(...facts);
    for (const { key } of facts) this.#keys.add(key);
  }

  of(key: EntryKey): readonly Fact[] {
    return this.#keys.has(key) ? this.#facts.filter((fact) => fact.key === key) : [];
  }

  /** True when one of them belongs to a story that goes on with one of these. */
  comesBeforeAny(facts: readonly Fact[]): boolean {
    return this.#facts.length > 0 && facts.some(({ key }) => this.#keys.has(key));
  }

  clear(): void {
    this.#facts = [];
    this.#keys.clear();
  }
}
