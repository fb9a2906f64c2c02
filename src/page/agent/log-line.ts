/** A line of the log as it stands in the list: on one row, whatever it says. */
import { printable } from "../../core/printable.ts";
import { h, setAttribute, setText } from "../parts/dom.ts";
import { clockText, shortId } from "../parts/words.ts";
import { gapText, isGap, numberOf, type Row } from "./log-book.ts";

/** More than fits into the widest window; the whole message stands below once it is chosen. */
const LINE_CHARS = 1_000;

/** One of the few elements that lines take turns in. */
export class LineElement {
  readonly element: HTMLElement;
  readonly #time = h("span", { class: "time" });
  readonly #level = h("span", { class: "level" });
  readonly #source = h("span", { class: "source" });
  readonly #audit = h("span", { class: "audit" });
  readonly #message = h("span", { class: "message" });
  #row: Row | undefined;

  constructor(nth: number) {
    this.element = h(
      "div",
      { class: "entry", role: "option", id: `line-${nth}` },
      this.#time,
      this.#level,
      this.#source,
      this.#audit,
      this.#message,
    );
  }

  show(row: Row, at: number, rowHeight: number, isSelected: boolean): void {
    const { element } = this;
    element.hidden = false;
    element.style.transform = `translateY(${at * rowHeight}px)`;
    setAttribute(element, "aria-selected", String(isSelected));
    if (row === this.#row) return;
    this.#row = row;
    element.dataset.seq = String(numberOf(row));
    element.dataset.level = isGap(row) ? "gap" : row.level;
    setText(this.#time, isGap(row) ? "" : clockText(row.time, { ms: true }));
    setText(this.#level, isGap(row) ? "gap" : row.level);
    setText(this.#source, isGap(row) ? "" : row.source);
    setText(this.#audit, isGap(row) || row.auditId === undefined ? "" : shortId(row.auditId));
    setText(this.#message, isGap(row) ? gapText(row.gap) : onOneLine(row.message));
  }
}

function onOneLine(message: string): string {
  return printable(message.slice(0, LINE_CHARS));
}
