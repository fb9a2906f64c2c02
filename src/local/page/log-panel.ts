/** The log with what chooses from it: level, sources, text, audit id; and one line at length. */
import { type Level, levels, type Source, sources } from "../../core/events.ts";
import type { LogFilter } from "../../core/log.ts";
import { button, byId, h, setAttribute, setText } from "./dom.ts";
import type { Live } from "./live.ts";
import { gapText, isGap, numberOf, type Row } from "./log-book.ts";
import { LogView, sizeText } from "./log-view.ts";
import type { Model } from "./model.ts";
import { dayClockText } from "./words.ts";

export interface LogPanel {
  /** Shows only what belongs to an assignment, from its first line on. */
  readonly jumpTo: (auditId: string) => void;
  readonly focusFilter: () => void;
  readonly focusLines: () => void;
  readonly toggleHold: () => void;
  readonly toEnd: () => void;
  readonly clear: () => void;
}

const LEVEL_NAMES: Readonly<Record<Level, string>> = {
  debug: "all levels",
  info: "info and above",
  warn: "warn and above",
  error: "error",
};

export function logPanel(model: Model, live: Live, showStory: (id: string) => void): LogPanel {
  const wanted: { level: Level; sources: Set<Source>; text: string; auditId: string } = {
    level: "info",
    sources: new Set(sources),
    text: "",
    auditId: "",
  };
  const view = new LogView(model, (row) => showDetail(row, { jumpTo, showStory, view, model }));
  const text = h("input", {
    type: "search",
    id: "filter",
    placeholder: "text  ( / )",
    "aria-label": "Text in the message",
  });
  const audit = h("input", {
    type: "search",
    id: "audit",
    placeholder: "audit id",
    "aria-label": "Audit id",
    list: "audit-ids",
    autocomplete: "off",
  });
  const known = h("datalist", { id: "audit-ids" });
  const level = h(
    "select",
    { id: "level", "aria-label": "Least level" },
    ...levels.map((each) => h("option", { value: each }, LEVEL_NAMES[each])),
  );
  level.value = wanted.level;
  const apply = () => {
    model.log.filterBy(filterOf(wanted));
    view.refiltered();
  };
  const chips = sources.map((source) => sourceChip(source, wanted.sources, apply));
  const hold = button({ id: "hold", title: "Key: v" }, () => view.hold(!view.isHeld), "Hold view");
  const size = h("span", { class: "size" });
  const earlier = button({ class: "plain", id: "earlier" }, () => live.earlierLines(), "Earlier…");
  const group = h("div", { class: "sources", role: "group", "aria-label": "Sources" }, ...chips);
  byId("log-tools").append(
    h("div", { class: "tool-row" }, level, group, size),
    h("div", { class: "tool-row" }, text, audit, known, hold, earlier),
  );
  byId("log-lines").append(view.element);
  apply();

  const jumpTo = (auditId: string) => {
    wanted.auditId = auditId;
    audit.value = auditId;
    wanted.level = levels[0];
    level.value = wanted.level;
    apply();
    const first = model.log.shown.find((row) => !isGap(row));
    if (first !== undefined) view.select(numberOf(first));
  };
  level.addEventListener("change", () => {
    wanted.level = level.value as Level;
    apply();
  });
  text.addEventListener("input", () => {
    wanted.text = text.value;
    apply();
  });
  audit.addEventListener("change", () => {
    if (audit.value.trim() !== "") return jumpTo(audit.value.trim());
    wanted.auditId = "";
    apply();
  });
  const clear = () => {
    wanted.text = "";
    wanted.auditId = "";
    text.value = "";
    audit.value = "";
    apply();
  };
  for (const input of [text, audit]) {
    input.addEventListener("keydown", (event) => {
      if (event.key === "Escape" || event.key === "ArrowDown") {
        if (event.key === "Escape") clear();
        event.preventDefault();
        view.focus();
      }
    });
  }
  let offered = "";
  model.onDraw(() => {
    view.draw();
    setText(hold, view.isHeld ? "Let it go on" : "Hold view");
    setAttribute(hold, "aria-pressed", String(view.isHeld));
    setText(
      size,
      model.isStreaming ? sizeText(model.log) : `${sizeText(model.log)} · the log stands still`,
    );
    earlier.hidden = !model.isStreaming || !model.log.hasEarlier;
    const ids = model.assignments.slice(0, 50).map(({ auditId }) => auditId);
    if (ids.join() === offered) return;
    offered = ids.join();
    known.replaceChildren(...ids.map((value) => h("option", { value })));
  });
  return {
    jumpTo,
    clear,
    focusFilter: () => text.focus(),
    focusLines: () => view.focus(),
    toggleHold: () => view.hold(!view.isHeld),
    toEnd: () => view.follow(),
  };
}

function filterOf({
  level,
  sources: some,
  text,
  auditId,
}: {
  level: Level;
  sources: ReadonlySet<Source>;
  text: string;
  auditId: string;
}): LogFilter {
  return { level, sources: [...some], text, ...(auditId === "" ? {} : { auditId }) };
}

function sourceChip(source: Source, wanted: Set<Source>, apply: () => void): HTMLButtonElement {
  const chip = button({ class: "chip", "aria-pressed": "true" }, () => {
    if (wanted.has(source)) wanted.delete(source);
    else wanted.add(source);
    setAttribute(chip, "aria-pressed", String(wanted.has(source)));
    apply();
  });
  chip.append(source);
  return chip;
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
