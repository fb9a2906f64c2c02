/** What chooses among the lines of the log: level, sources, text, audit id. */
import type { AuditId } from "../../core/assignment.ts";
import { type Level, levels, type Source, sources } from "../../core/events.ts";
import type { LogFilter } from "../../core/log.ts";
import { button, type Child, h, setAttribute } from "../parts/dom.ts";

export interface Wanted {
  readonly level: Level;
  readonly sources: readonly Source[];
  readonly text: string;
  /** Empty: of all assignments, and of none. */
  readonly auditId: string;
}

export const ALL: Wanted = { level: levels[0], sources, text: "", auditId: "" };

const LEVEL_NAMES: Readonly<Record<Level, string>> = {
  debug: "all levels",
  info: "info and above",
  warn: "warn and above",
  error: "error",
};

export class FilterTools {
  readonly #onWant: (wanted: Wanted) => void;
  #wanted: Wanted = { ...ALL, level: "info" };
  readonly #text = search("filter", "Filter text", "Text in the message");
  readonly #audit = search("audit", "Audit id", "Audit id");
  readonly #known = h("datalist", { id: "audit-ids" });
  readonly #level = h(
    "select",
    { id: "level", "aria-label": "Least level" },
    ...levels.map((each) => h("option", { value: each }, LEVEL_NAMES[each])),
  );
  readonly #chips = new Map(sources.map((each) => [each, this.#chip(each)]));
  #offered: readonly string[] = [];

  /** `onWant` is told of each other choice; `toLines`: whoever typed wants to go to the lines. */
  constructor(onWant: (wanted: Wanted) => void, toLines: () => void) {
    this.#onWant = onWant;
    setAttribute(this.#audit, "list", this.#known.id);
    this.#level.addEventListener("change", () => {
      this.want({ level: this.#level.value as Level });
    });
    this.#text.addEventListener("input", () => this.want({ text: this.#text.value }));
    this.#audit.addEventListener("change", () => this.#wantAudit(this.#audit.value.trim()));
    for (const input of [this.#text, this.#audit]) {
      input.addEventListener("keydown", (event) => {
        if (event.key !== "Escape" && event.key !== "ArrowDown") return;
        if (event.key === "Escape") this.want({ text: "", auditId: "" });
        event.preventDefault();
        toLines();
      });
    }
    this.#show();
  }

  get wanted(): Wanted {
    return this.#wanted;
  }
  get filter(): LogFilter {
    const { auditId, ...rest } = this.#wanted;
    return auditId === "" ? rest : { ...rest, auditId: auditId as AuditId };
  }
  get choosers(): Child[] {
    const label = { class: "sources", role: "group", "aria-label": "Sources" };
    return [this.#level, h("div", label, ...this.#chips.values())];
  }
  get inputs(): Child[] {
    return [this.#text, this.#audit, this.#known];
  }

  /** Chooses so from now on; what is not named stays. */
  want(change: Partial<Wanted>): void {
    this.#wanted = { ...this.#wanted, ...change };
    this.#show();
    this.#onWant(this.#wanted);
  }

  focus(): void {
    this.#text.focus();
  }

  /** The audit ids that are offered while somebody types. */
  offer(auditIds: readonly string[]): void {
    if (auditIds.join() === this.#offered.join()) return;
    this.#offered = auditIds;
    this.#known.replaceChildren(...auditIds.map((value) => h("option", { value })));
  }

  /** An assignment is wanted whole, whatever else was chosen; its id may be told by its beginning. */
  #wantAudit(typed: string): void {
    const meant = this.#offered.filter((each) => typed !== "" && each.startsWith(typed));
    const auditId = meant.length === 1 ? (meant[0] ?? typed) : typed;
    this.want(auditId === "" ? { auditId } : { ...ALL, auditId });
  }

  #show(): void {
    const { auditId, level, sources: some, text } = this.#wanted;
    this.#level.value = level;
    // A value that is set anew moves the caret of whoever types.
    if (this.#text.value !== text) this.#text.value = text;
    if (this.#audit.value !== auditId) this.#audit.value = auditId;
    for (const [source, chip] of this.#chips) {
      setAttribute(chip, "aria-pressed", String(some.includes(source)));
    }
  }

  #chip(source: Source): HTMLButtonElement {
    const turn = () => {
      const { sources: some } = this.#wanted;
      const isOn = some.includes(source);
      const next = isOn ? some.filter((each) => each !== source) : [...some, source];
      this.want({ sources: next });
    };
    return button({ class: "chip" }, turn, source);
  }
}

function search(id: string, placeholder: string, label: string): HTMLInputElement {
  const attributes = { type: "search", placeholder, "aria-label": label, autocomplete: "off" };
  return h("input", { id, ...attributes, maxlength: 256 });
}
