/**
 * Time as the simulation has it: events in order of their moment, and a wall clock that may be set
 * anywhere beside it.
 */
interface Entry {
  readonly atMs: number;
  readonly order: number;
  readonly happen: () => void;
  isCancelled: boolean;
}

export class Timeline {
  nowMs = 0;
  /** How far wall time stands from the time that passes. */
  #wallOffsetMs = TRUE_START_MS;
  #orders = 0;
  /** A binary heap: the earliest event is first. */
  readonly #heap: Entry[] = [];

  get wallMs(): number {
    return Math.floor(this.nowMs + this.#wallOffsetMs);
  }

  /** Sets wall time, as a time server or a dead battery does. */
  setWall(wallMs: number): void {
    this.#wallOffsetMs = wallMs - this.nowMs;
  }

  /** Sets wall time right. */
  trueWall(): void {
    this.#wallOffsetMs = TRUE_START_MS;
  }

  /** Lets something happen later; returns the function that calls it off. */
  after(ms: number, happen: () => void): () => void {
    const entry = { atMs: this.nowMs + ms, order: this.#orders++, happen, isCancelled: false };
    this.#push(entry);
    return () => {
      entry.isCancelled = true;
    };
  }

  /** Moves to the next event and lets it happen; false when nothing is to come. */
  step(): boolean {
    for (;;) {
      const entry = this.#pop();
      if (entry === undefined) return false;
      if (entry.isCancelled) continue;
      this.nowMs = entry.atMs;
      entry.happen();
      return true;
    }
  }

  #push(entry: Entry): void {
    const heap = this.#heap;
    let index = heap.length;
    heap.push(entry);
    while (index > 0) {
      const parentIndex = (index - 1) >> 1;
      const parent = heap[parentIndex];
      if (parent === undefined || isBefore(parent, entry)) break;
      heap[index] = parent;
      index = parentIndex;
    }
    heap[index] = entry;
  }

  #pop(): Entry | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first;
    let index = 0;
    for (;;) {
      let childIndex = 2 * index + 1;
      const right = heap[childIndex + 1];
      let child = heap[childIndex];
      if (child === undefined) break;
      if (right !== undefined && isBefore(right, child)) {
        child = right;
        childIndex += 1;
      }
      if (isBefore(last, child)) break;
      heap[index] = child;
      index = childIndex;
    }
    heap[index] = last;
    return first;
  }
}

const TRUE_START_MS = Date.UTC(2026, 0, 1);

/** Events of one moment happen in the order they were asked for. */
function isBefore(a: Entry, b: Entry): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}
