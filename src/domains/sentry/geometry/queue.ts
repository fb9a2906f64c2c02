/** What is of the lowest rank comes out first: a binary heap. */

export interface Queued {
  readonly rank: number;
  readonly length: number;
  readonly node: number;
  readonly by: number;
}

export class Queue {
  readonly #heap: Queued[] = [];

  push(item: Queued): void {
    const heap = this.#heap;
    let at = heap.push(item) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = heap[parent] as Queued;
      if (above.rank <= item.rank) break;
      heap[at] = above;
      at = parent;
    }
    heap[at] = item;
  }

  pop(): Queued | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return first;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      const right = heap[child + 1];
      if (right !== undefined && right.rank < (heap[child] as Queued).rank) child += 1;
      const below = heap[child] as Queued;
      if (below.rank >= last.rank) break;
      heap[at] = below;
      at = child;
    }
    heap[at] = last;
    return first;
  }
}
