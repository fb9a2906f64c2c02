/**
 * Makes closed entries small and forgets the oldest, a few at a time: whoever calls has a
 * transaction open and decides when there is time for a step.
 */
import { fateOf, IDS_MAX, SANE_CLOCK_MS } from "../core/retention.ts";
import { type EntryRow, STATE } from "./journal-rows.ts";
import type { JournalStore } from "./journal-store.ts";

/** How many entries a step changes at most. */
export const STEP_ENTRIES = 32;
/** How many a step looks at, when it looks for old ones. */
const STEP_LOOKS = 256;
/** How often everything is looked at for its age, in milliseconds. */
const SWEEP_EVERY_MS = 3_600_000;

type Kind = "delivered" | "refused" | "compacted";

export class Compaction {
  readonly #store: JournalStore;
  readonly #keep: number;
  /** Where the present sweep stands: the number of the last entry it looked at. */
  #sweep: { kind: Kind; id: number } | undefined = { kind: "delivered", id: 0 };
  #sweptAtMs = Number.NEGATIVE_INFINITY;
  /** For want of room every compacted entry up to this number was forgotten. */
  #forgottenTo = 0;

  constructor(store: JournalStore, keep: number) {
    this.#store = store;
    this.#keep = keep;
  }

  /** How many entries keep their content although they are beyond the newest. */
  get excess(): number {
    return this.#excessOf(STATE.delivered) + this.#excessOf(STATE.refused);
  }

  /** True when a look at what is closed is due. `monotonicMs` only grows. */
  isDue(monotonicMs: number): boolean {
    if (this.#sweep === undefined && monotonicMs - this.#sweptAtMs >= SWEEP_EVERY_MS) {
      this.#sweep = { kind: "delivered", id: 0 };
    }
    return this.#sweep !== undefined || this.excess > 0;
  }

  /**
   * One step; `isCrowded` asks for room: the oldest deliveries become small whatever their rank.
   * False when there was nothing to do.
   */
  step(nowMs: number, monotonicMs: number, isCrowded: boolean): boolean {
    if (isCrowded && this.#makeRoom(nowMs)) return true;
    if (!this.isDue(monotonicMs)) return false;
    if (this.excess > 0) this.#compactExcess(nowMs);
    else this.#look(nowMs, monotonicMs);
    return true;
  }

  #excessOf(state: number): number {
    return Math.max(this.#store.countClosed(state) - this.#keep, 0);
  }

  #compactExcess(nowMs: number): void {
    const state = this.#excessOf(STATE.delivered) > 0 ? STATE.delivered : STATE.refused;
    const count = Math.min(this.#excessOf(state), STEP_ENTRIES);
    this.#compact(this.#store.closed(state, 0, count).rows, nowMs);
  }

  /** Deliveries first, then the oldest audit ids; what was refused the backend does not have. */
  #makeRoom(nowMs: number): boolean {
    const delivered = this.#store.closed(STATE.delivered, 0, STEP_ENTRIES).rows;
    this.#compact(delivered, nowMs);
    if (delivered.length > 0) return true;
    if (this.#forgottenTo >= this.#store.lastId()) return false;
    const { rows, lookedTo } = this.#store.compacted(this.#forgottenTo, STEP_ENTRIES);
    this.#forget(rows);
    this.#forgottenTo = lookedTo;
    return true;
  }

  /** Goes on with the sweep: old content, then old audit ids and those beyond the newest. */
  #look(nowMs: number, monotonicMs: number): void {
    if (this.#sweep === undefined) return;
    const { kind, id } = this.#sweep;
    const isIds = kind === "compacted";
    const { rows, lookedTo } = isIds
      ? this.#store.compacted(id, STEP_LOOKS)
      : this.#store.closed(STATE[kind], id, STEP_LOOKS);
    const lastId = this.#store.lastId();
    const due = rows.filter((row) => {
      // Of content, what is beyond the newest was compacted before a sweep comes to it.
      const newer = isIds ? Math.min(lastId - row.id, IDS_MAX) : 0;
      return fateOf({ isCompacted: isIds, atMs: row.at, newer }, this.#keep, nowMs) !== "keep";
    });
    const taken = due.slice(0, STEP_ENTRIES);
    if (isIds) this.#forget(taken);
    else this.#compact(taken, nowMs);
    // They were compacted in this order: behind a young one there is nothing old.
    const isOver = isIds && due.length === 0 && rows.some(({ at }) => at >= SANE_CLOCK_MS);
    const next = due.length > taken.length ? (taken.at(-1)?.id ?? id) : lookedTo;
    if (next < lastId && !isOver) {
      this.#sweep = { kind, id: next };
    } else if (kind === "delivered") this.#sweep = { kind: "refused", id: 0 };
    else if (kind === "refused") this.#sweep = { kind: "compacted", id: 0 };
    else {
      this.#sweep = undefined;
      this.#sweptAtMs = monotonicMs;
    }
  }

  #compact(rows: readonly EntryRow[], nowMs: number): void {
    for (const row of rows) {
      this.#store.compact(row, nowMs);
      this.#forgottenTo = Math.min(this.#forgottenTo, row.id - 1);
    }
  }

  #forget(rows: readonly EntryRow[]): void {
    for (const row of rows) this.#store.forget(row);
  }
}
