/** How much room is left in the journal's file for new work, under its quota. */
import type { Database } from "bun:sqlite";
import { numberOf } from "./journal-file.ts";
import type { JournalStore } from "./journal-store.ts";

/** Near the quota this part of it is left to facts that only report. */
const RESERVE_SHARE = 1 / 16;
/** From this part of what new work may fill on, compaction makes room whatever else it keeps. */
const CROWDED_SHARE = 7 / 8;
/** What a character of a fact takes at most, in its row and in indexes: UTF-8, half-full pages. */
const CHARACTER_BYTES = 6;
const PAGE_BYTES = 4_096;

export class Room {
  readonly #store: JournalStore;
  readonly #pages;
  readonly #freePages;
  /** Pages in use from which on new work is refused. */
  readonly #pagesMax: number;
  /** How many bytes new work may surely fill, by a guess on the safe side. */
  #leftBytes = 0;

  constructor(db: Database, store: JournalStore, quotaBytes: number | undefined) {
    this.#store = store;
    this.#pages = store.prepare<{ page_count: number }>("PRAGMA page_count");
    this.#freePages = store.prepare<{ freelist_count: number }>("PRAGMA freelist_count");
    this.#pagesMax = limitSize(db, quotaBytes);
  }

  /** True when new work has no room; looked up only when what was left may be used up. */
  isFull(): boolean {
    this.#leftBytes -= CHARACTER_BYTES * this.#store.takeAdded();
    if (this.#leftBytes > 0) return false;
    if (this.#uses(1)) return true;
    this.#leftBytes = (this.#pagesMax - this.#used()) * PAGE_BYTES;
    return false;
  }

  /** True when compaction must make room. */
  isCrowded(): boolean {
    return this.#uses(CROWDED_SHARE);
  }

  /** True when more than this share of what new work may fill is in use. */
  #uses(share: number): boolean {
    return this.#pagesMax !== Number.POSITIVE_INFINITY && this.#used() > this.#pagesMax * share;
  }

  /** In pages. */
  #used(): number {
    const pages = this.#pages.get()?.page_count ?? 0;
    return pages - (this.#freePages.get()?.freelist_count ?? 0);
  }
}

/** Holds the file to its quota; returns how many pages new work may fill. */
function limitSize(db: Database, quotaBytes: number | undefined): number {
  if (quotaBytes === undefined) return Number.POSITIVE_INFINITY;
  const pages = Math.floor(quotaBytes / numberOf(db, "PRAGMA page_size"));
  db.run(`PRAGMA max_page_count = ${pages}`);
  return Math.floor(pages * (1 - RESERVE_SHARE));
}
