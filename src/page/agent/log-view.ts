/**
 * The log as a list of which only the lines in view are in the document. It follows the end until
 * somebody scrolls away or holds it; what is held stands still, whatever comes or leaves.
 */
import { button, h, setAttribute, setText } from "../parts/dom.ts";
import { countText, some } from "../parts/words.ts";
import { indexOf, type LogBook, numberOf, type Row } from "./log-book.ts";
import { LineElement } from "./log-line.ts";
import type { Model } from "./model.ts";
import { isAtEnd, scrollToShow, type Viewport, visibleRows } from "./virtual-window.ts";

const KEY_STEPS: Readonly<Record<string, (page: number, count: number) => number>> = {
  ArrowUp: () => -1,
  ArrowDown: () => 1,
  PageUp: (page) => -page,
  PageDown: (page) => page,
  Home: (_, count) => -count,
  End: (_, count) => count,
};

export class LogView {
  readonly element = h("div", { class: "log" });
  readonly #model: Model;
  readonly #onSelect: (row: Row | undefined) => void;
  readonly #list = h("div", {
    class: "lines",
    role: "listbox",
    tabindex: 0,
    "aria-label": "Lines of the log",
  });
  readonly #space = h("div", { class: "space" });
  readonly #lines: LineElement[] = [];
  readonly #toEnd: HTMLButtonElement;
  #isFollowing = true;
  /** Where the view was put last: a scroll from elsewhere is a person's. */
  #placedAt = 0;
  /** The number of the last line that is shown while the view is held. */
  #heldAt: number | undefined;
  /** The number of the last line that was here when somebody scrolled away from the end. */
  #leftAt = 0;
  #selected: number | undefined;
  #evictedSeen = 0;
  /** How many rows the list had room for when it was drawn last, and how high it was then. */
  #drawnRows = 0;
  #drawnHeight = 0;
  /** It has another height than that, or had in between. */
  #isResized = false;
  #rowHeight = 20;

  constructor(model: Model, onSelect: (row: Row | undefined) => void) {
    this.#model = model;
    this.#onSelect = onSelect;
    this.#toEnd = button({ class: "to-end" }, () => this.follow());
    this.#list.append(this.#space);
    this.element.append(this.#list, this.#toEnd);
    this.#list.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    this.#list.addEventListener("keydown", (event) => this.#typed(event));
    this.#list.addEventListener("click", ({ target }) => this.#clicked(target));
    new ResizeObserver(() => this.#measured()).observe(this.#list);
  }

  get isHeld(): boolean {
    return this.#heldAt !== undefined;
  }

  /** Stands still from now on, or goes on. */
  hold(isHeld: boolean): void {
    this.#heldAt = isHeld ? this.#model.log.last : undefined;
    if (!isHeld) this.#isFollowing = true;
    this.#model.changed();
  }

  /** To the end, and along with it. */
  follow(): void {
    this.#heldAt = undefined;
    this.#isFollowing = true;
    this.#model.changed();
  }

  focus(): void {
    this.#list.focus();
  }

  /** How many lines came that a held or scrolled view does not show. */
  get unseen(): number {
    const { shown } = this.#model.log;
    return shown.length - indexOf(shown, (this.#heldAt ?? this.#leftAt) + 1);
  }

  /** Chooses a line and brings it into view. */
  select(seq: number | undefined): void {
    this.#selected = seq;
    const rows = this.#rows();
    if (seq === undefined) {
      if (isAtEnd(this.#viewport(rows.length))) this.#isFollowing = true;
      this.#onSelect(undefined);
      this.#model.changed();
      return;
    }
    const at = Math.min(indexOf(rows, seq), rows.length - 1);
    this.#leave();
    this.#resize(rows.length);
    this.#place(scrollToShow(at, this.#viewport(rows.length)));
    this.#onSelect(rows[at]);
    this.#model.changed();
  }

  /** Another filter: the chosen line stays in view when it passes, else the end is shown. */
  refiltered(): void {
    this.#evictedSeen = this.#model.log.evicted;
    const { shown } = this.#model.log;
    const at = this.#selected === undefined ? -1 : indexOf(shown, this.#selected);
    const row = shown[at];
    if (row === undefined || numberOf(row) !== this.#selected) this.#isFollowing = true;
    else {
      this.#resize(shown.length);
      this.#leave();
      this.#place(at * this.#rowHeight - this.#list.clientHeight / 3);
    }
    this.#model.changed();
  }

  draw(): void {
    const rows = this.#rows();
    this.#standStill();
    this.#resize(rows.length);
    if (this.#isFollowing && !this.isHeld) this.#place(rows.length * this.#rowHeight);
    this.#isResized = false;
    this.#drawnHeight = this.#list.clientHeight;
    const { first, end } = visibleRows(this.#viewport(rows.length));
    for (let at = first; at < end; at += 1) {
      const row = rows[at];
      if (row === undefined) continue;
      const line = this.#line(at - first);
      line.show(row, at, this.#rowHeight, numberOf(row) === this.#selected);
      setAttribute(line.element, "aria-setsize", rows.length);
      setAttribute(line.element, "aria-posinset", at + 1);
    }
    for (const spare of this.#lines.slice(end - first)) spare.element.hidden = true;
    const chosen = this.#lines.find(
      ({ element }) => element.ariaSelected === "true" && !element.hidden,
    );
    setAttribute(this.#list, "aria-activedescendant", chosen?.element.id);
    this.#offerEnd();
  }

  #offerEnd(): void {
    const { unseen } = this;
    const isAway = !this.#isFollowing || this.isHeld;
    const isInView = !this.isHeld && isAtEnd(this.#viewport(this.#rows().length));
    this.#toEnd.hidden = !isAway || isInView;
    setText(this.#toEnd, unseen > 0 ? `${some(unseen, "new line")} ↓` : "To the end ↓");
  }

  #rows(): readonly Row[] {
    const { shown } = this.#model.log;
    if (this.#heldAt === undefined) return shown;
    const end = indexOf(shown, this.#heldAt + 1);
    return end === shown.length ? shown : shown.slice(0, end);
  }

  /** What left at the top must not move what is read. */
  #standStill(): void {
    const { evicted } = this.#model.log;
    const left = evicted - this.#evictedSeen;
    this.#evictedSeen = evicted;
    if (left > 0 && !(this.#isFollowing && !this.isHeld)) {
      this.#place(this.#list.scrollTop - left * this.#rowHeight);
    }
  }

  #resize(count: number): void {
    this.#drawnRows = count;
    const height = `${count * this.#rowHeight}px`;
    if (this.#space.style.height !== height) this.#space.style.height = height;
  }

  #viewport(count: number): Viewport {
    const { scrollTop, clientHeight: height } = this.#list;
    return { scrollTop, height, rowHeight: this.#rowHeight, count };
  }

  #line(nth: number): LineElement {
    const known = this.#lines[nth];
    if (known !== undefined) return known;
    const made = new LineElement(nth);
    this.#lines.push(made);
    this.#space.append(made.element);
    return made;
  }

  /** A phone gives each line two rows: the style sheet says how high one is. */
  #measured(): void {
    const height = Number.parseFloat(getComputedStyle(this.#list).getPropertyValue("--line"));
    if (height > 0) this.#rowHeight = height;
    this.#isResized = true;
    this.#model.changed();
  }

  #place(scrollTop: number): void {
    this.#list.scrollTop = Math.max(0, scrollTop);
    this.#placedAt = this.#list.scrollTop; // the browser knows where the end is
  }

  #scrolled(): void {
    // Only where a person scrolls to says whether the end is wanted: the end as it was drawn, lines
    // may have come since. A list that gets higher is moved by the browser.
    const { scrollTop, clientHeight } = this.#list;
    const isMoved = this.#isResized || clientHeight !== this.#drawnHeight;
    if (Math.abs(scrollTop - this.#placedAt) > 1 && !(this.#isFollowing && isMoved)) {
      if (isAtEnd(this.#viewport(this.#drawnRows))) this.#isFollowing = true;
      else this.#leave();
      this.#placedAt = scrollTop;
    }
    this.#model.changed();
  }

  /** Lines that come from now on are not seen. */
  #leave(): void {
    if (this.#isFollowing) this.#leftAt = this.#model.log.last;
    this.#isFollowing = false;
  }

  #clicked(target: EventTarget | null): void {
    const line = target instanceof Element ? target.closest("[data-seq]") : null;
    if (line instanceof HTMLElement) this.select(Number(line.dataset.seq));
  }

  #typed(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape" && this.#selected !== undefined) {
      event.stopPropagation();
      this.select(undefined);
      return;
    }
    const rows = this.#rows();
    const page = Math.max(1, Math.floor(this.#list.clientHeight / this.#rowHeight) - 1);
    const step = KEY_STEPS[event.key]?.(page, rows.length);
    if (step === undefined || rows.length === 0) return;
    event.preventDefault();
    if (event.key === "End") {
      this.select(undefined);
      this.follow();
      return;
    }
    const from = this.#selected === undefined ? rows.length : indexOf(rows, this.#selected);
    const at = Math.min(rows.length - 1, Math.max(0, from + step));
    const row = rows[at];
    if (row !== undefined) this.select(numberOf(row));
  }
}

/** `12 of 4,200 lines`, for beside the filter. */
export function sizeText({ found, size }: Pick<LogBook, "found" | "size">): string {
  return found === size ? some(size, "line") : `${countText(found)} of ${some(size, "line")}`;
}
