/** What survives a power cut: the stories of every origin, and the machine's own. */
import { type Entry, type EntryKey, type Fact, fold } from "../../src/core/entry.ts";
import { isMachineFact } from "../../src/core/machine.ts";
import type { Oracle } from "./oracle.ts";

/** The machine's facts concern every backend. */
const NO_ORIGIN = "";

/** An entry's facts; the machine's own make no entry. */
interface Story {
  readonly begun: number;
  readonly facts: Fact[];
  entry?: Entry | undefined;
}

export class Disk {
  isFull = false;
  /** Near its quota: reports still find room, new work does not. */
  isCrowded = false;
  factsMax = Number.POSITIVE_INFINITY;
  /** By origin, then by key. */
  readonly #stories = new Map<string, Map<EntryKey, Story>>();
  /** Those that are not over yet. */
  readonly #open = new Map<string, Set<Story>>();
  #begun = 0;
  #facts = 0;
  readonly #oracle: Oracle;

  constructor(oracle: Oracle) {
    this.#oracle = oracle;
  }

  hasRoomFor(facts: number): boolean {
    return !this.isFull && this.#facts + facts <= this.factsMax;
  }

  write(facts: readonly Fact[], origin: string): void {
    for (const fact of facts) this.#write(fact, isMachineFact(fact) ? NO_ORIGIN : origin);
    this.#oracle.written(facts, origin);
  }

  #write(fact: Fact, origin: string): void {
    const stories = at(this.#stories, origin, () => new Map<EntryKey, Story>());
    const open = at(this.#open, origin, () => new Set<Story>());
    const story = at(stories, fact.key, () => ({ begun: this.#begun++, facts: [] }));
    story.entry = fold(story.entry, fact);
    if (story.entry === undefined && origin !== NO_ORIGIN) return; // it was never accepted
    story.facts.push(fact);
    if (isOver(story)) open.delete(story);
    else open.add(story);
    this.#facts += 1;
  }

  story(key: EntryKey, origin: string): readonly Fact[] {
    return this.#stories.get(origin)?.get(key)?.facts ?? [];
  }

  /** What is not finished, and the machine's own; or what is, and not delivered. As begun. */
  open(origin: string, isFinished: boolean): Story[] {
    const machine = isFinished ? [] : (this.#open.get(NO_ORIGIN) ?? []);
    return [...machine, ...(this.#open.get(origin) ?? [])]
      .filter(({ entry }) => (entry?.phase === "finished") === isFinished)
      .sort((a, b) => a.begun - b.begun);
  }

  /** Where there is something, but for `origin`. */
  origins(origin: string): string[] {
    return [...this.#open.keys()].filter((each) => each !== origin && each !== NO_ORIGIN);
  }

  /** Makes room, for a test that filled it. */
  remove(isGone: (key: EntryKey) => boolean): void {
    for (const [origin, stories] of this.#stories) {
      for (const [key, story] of stories) {
        if (!isGone(key)) continue;
        stories.delete(key);
        this.#open.get(origin)?.delete(story);
        this.#facts -= story.facts.length;
      }
    }
  }
}

function isOver({ entry }: Story): boolean {
  return entry?.phase === "delivered" || entry?.phase === "refused";
}

function at<K, V>(map: Map<K, V>, key: K, create: () => V): V {
  const known = map.get(key);
  if (known !== undefined) return known;
  const created = create();
  map.set(key, created);
  return created;
}
