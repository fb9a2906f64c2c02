/** The log with what chooses from it, and one line of it at length. */
import { button, byId, h, setAttribute, setText } from "../parts/dom.ts";
import { dayClockText } from "../parts/words.ts";
import type { Live } from "./live.ts";
import { gapText, isGap, numberOf, type Row } from "./log-book.ts";
import { ALL, FilterTools, type Wanted } from "./log-filter.ts";
import { LogView, sizeText } from "./log-view.ts";
import type { Model } from "./model.ts";

export interface LogPanel {
  /** Shows all that belongs to an assignment, from its first line on. */
  readonly jumpTo: (auditId: string) => void;
  readonly focusFilter: () => void;
  readonly focusLines: () => void;
  readonly toggleHold: () => void;
  readonly toEnd: () => void;
  readonly clear: () => void;
}

/** So many of the latest assignments are offered where an audit id is typed. */
const OFFERED_MAX = 50;

export function logPanel(model: Model, live: Live, showStory: (id: string) => void): LogPanel {
  const jumpTo = (auditId: string) => tools.want({ ...ALL, auditId });
  const view = new LogView(model, (row) => showDetail(row, { jumpTo, showStory, view, model }));
  const search = new Search(model, live, view);
  const tools = new FilterTools(
    (wanted) => {
      model.log.filterBy(tools.filter);
      view.refiltered();
      search.changed(wanted);
    },
    () => view.focus(),
  );
  model.log.filterBy(tools.filter);
  const toggleHold = () => view.hold(!view.isHeld);
  const hold = button({ id: "hold", title: "Key: v" }, toggleHold, "Hold view");
  const size = h("span", { class: "size" });
  const earlier = button({ class: "plain", id: "earlier" }, () => live.earlierLines(), "Earlier…");
  byId("log-tools").append(
    h("div", { class: "tool-row" }, ...tools.choosers, size),
    h("div", { class: "tool-row" }, ...tools.inputs, hold, earlier),
  );
  const none = h("p");
  const showAll = button({}, () => tools.want(ALL), "Show all lines");
  const empty = h("div", { class: "empty", role: "status" }, none, showAll);
  byId("log-lines").append(view.element, empty);
  model.onDraw(() => {
    view.draw();
    setText(hold, view.isHeld ? "Let it go on" : "Hold view");
    setAttribute(hold, "aria-pressed", String(view.isHeld));
    const still = model.isStreaming ? "" : " · the log stands still";
    setText(size, `${sizeText(model.log)}${still}`);
    earlier.hidden = !model.isStreaming || !model.log.hasEarlier;
    tools.offer(model.assignments.slice(0, OFFERED_MAX).map(({ auditId }) => auditId));
    empty.hidden = model.log.found > 0;
    showAll.hidden = model.log.size === 0 || search.isLooking;
    setText(none, emptyText(model, search.isLooking));
  });
  return {
    jumpTo,
    clear: () => tools.want({ text: "", auditId: "" }),
    focusFilter: () => tools.focus(),
    focusLines: () => view.focus(),
    toggleHold,
    toEnd: () => view.follow(),
  };
}

function emptyText({ log }: Model, isLooking: boolean): string {
  if (isLooking) return "Looking for its lines in the agent's files…";
  return log.size === 0 ? "Nothing is logged yet." : "No line passes this filter.";
}

/** Brings what an assignment logged before the lines that are here, once one is asked for. */
class Search {
  readonly #model: Model;
  readonly #live: Live;
  readonly #view: LogView;
  /** The assignment that is shown; empty when all are. */
  #auditId = "";
  isLooking = false;

  constructor(model: Model, live: Live, view: LogView) {
    this.#model = model;
    this.#live = live;
    this.#view = view;
  }

  changed({ auditId }: Wanted): void {
    if (auditId === this.#auditId) return;
    this.#auditId = auditId;
    this.isLooking = auditId !== "";
    this.#toFirst();
    if (this.isLooking) void this.#look(auditId);
  }

  async #look(auditId: string): Promise<void> {
    try {
      await this.#live.findLines(auditId);
    } catch {
      // No such assignment, or no agent: what is here is all there is, and the page says so.
    }
    if (auditId !== this.#auditId) return;
    this.isLooking = false;
    this.#toFirst();
    this.#model.changed();
  }

  #toFirst(): void {
    const first = this.#model.log.shown.find((row) => !isGap(row));
    if (this.#auditId !== "" && first !== undefined) this.#view.select(numberOf(first));
  }
}

interface DetailParts {
  readonly jumpTo: (auditId: string) => void;
  readonly showStory: (auditId: string) => void;
  readonly view: LogView;
  readonly model: Model;
}

/** The chosen line at full length, with its fields. */
function showDetail(row: Row | undefined, { jumpTo, showStory, view, model }: DetailParts): void {
  const pane = byId("log-detail");
  pane.hidden = row === undefined;
  if (row === undefined) return;
  const close = button({ class: "plain" }, () => view.select(undefined), "Close");
  if (isGap(row)) {
    pane.replaceChildren(
      h("div", { class: "detail-head" }, h("strong", {}, "Gap"), close),
      h("p", {}, gapText(row.gap)),
    );
    return;
  }
  const head = h(
    "div",
    { class: "detail-head" },
    h("strong", {}, `${row.level}, ${row.source}`),
    h("span", { class: "time" }, `${dayClockText(row.time, model.nowMs)} · line ${row.seq}`),
    close,
  );
  const { auditId } = row;
  const of =
    auditId === undefined
      ? []
      : [
          h("code", {}, auditId),
          button({ class: "plain" }, () => jumpTo(auditId), "Only its lines"),
          button({ class: "plain" }, () => showStory(auditId), "Story"),
        ];
  const fields = JSON.stringify(row.fields, undefined, 2);
  pane.replaceChildren(
    head,
    h("p", {}, row.message),
    h("pre", {}, fields === "{}" ? "" : fields),
    h("div", { class: "detail-head" }, ...of),
  );
}
