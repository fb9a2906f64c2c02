/** Assignments of the last while as a strip of time, and one by one below it. */
import type { AssignmentSummary } from "../../wire/local.ts";
import { button, byId, h, keyedList, type Part, setAttribute, setText, svg } from "../parts/dom.ts";
import { icon, pathOf } from "../parts/icon.ts";
import { clockText, dayClockText, durationText } from "../parts/words.ts";
import type { Live } from "./live.ts";
import type { Model } from "./model.ts";
import { notesOf, outcomeOf } from "./outcome.ts";
import { type Span, scaleFor, spansOf, thinned, tookMs } from "./timeline.ts";

/** The strip's own units; it is as wide as there is room. */
const WIDTH = 1_000;
const LANE = 14;
const LANES_MAX = 4;
/** How often it is drawn while nothing but time changes, in milliseconds. */
const REDRAW_MS = 400;
/** A mark of time nearer than this to an end of the strip has no room for its text. */
const LABEL_ROOM = 0.06;

export function timelineView(model: Model, live: Live, showStory: (id: string) => void): void {
  const strip = byId("strip");
  const rows = keyedList<AssignmentSummary>(
    byId("assignments"),
    ({ auditId }) => auditId,
    ({ auditId }) => row(model, () => showStory(auditId)),
  );
  const older = button({ class: "plain" }, () => void live.older(), "Older ones");
  byId("older").append(older);
  let drawnAtMs = 0;
  let drawn: readonly AssignmentSummary[] = [];
  model.onDraw(() => {
    const { assignments, nowMs, olderBefore } = model;
    // What runs ticks by the second; a log that floods draws sixty times in one.
    if (assignments === drawn && Math.abs(nowMs - drawnAtMs) < REDRAW_MS) return;
    drawnAtMs = nowMs;
    drawn = assignments;
    rows(assignments);
    older.hidden = olderBefore === undefined;
    byId("no-assignments").hidden = assignments.length > 0;
    strip.replaceChildren(drawStrip(assignments, nowMs));
  });
}

function row(model: Model, onStory: () => void): Part<AssignmentSummary> {
  const shape = icon();
  const word = h("span", { class: "word" });
  const what = h("span", { class: "what" });
  const time = h("span", { class: "time" });
  const took = h("span", { class: "took" });
  const message = h("span", { class: "message" });
  const label = h("span", { class: "outcome" }, shape.element, word);
  const open = button({ class: "row" }, onStory, label, what, took, time, message);
  let drawn: AssignmentSummary | undefined;
  return {
    element: h("li", {}, open),
    update(item) {
      if (item === drawn && item.finishedAt !== undefined) return; // of a thousand a few change
      drawn = item;
      const outcome = outcomeOf(item);
      shape.show(outcome);
      setAttribute(open, "data-tone", outcome.tone);
      setText(word, outcome.word);
      setText(what, item.what);
      setText(time, dayClockText(item.startedAt ?? item.acceptedAt, model.nowMs));
      const ms = tookMs(item, model.nowMs);
      setText(took, ms === undefined ? "" : durationText(ms));
      setText(message, [...notesOf(item), item.message ?? ""].filter(Boolean).join(" · "));
    },
  };
}

/** Decoration: each of its marks is a row below. */
function drawStrip(assignments: readonly AssignmentSummary[], nowMs: number): Element {
  const { reachMs, tickMs } = scaleFor(assignments, nowMs);
  const fromMs = nowMs - reachMs;
  const spans = thinned(spansOf(assignments, { fromMs, toMs: nowMs, lanesMax: LANES_MAX }));
  const lanes = Math.max(1, ...spans.map(({ lane }) => lane + 1));
  const height = lanes * LANE + 4;
  const ticks: { readonly at: number; readonly ms: number }[] = [];
  for (let ms = Math.ceil(fromMs / tickMs) * tickMs; ms < nowMs; ms += tickMs) {
    ticks.push({ at: (ms - fromMs) / reachMs, ms });
  }
  const drawing = svg(
    "svg",
    { viewBox: `0 0 ${WIDTH} ${height}`, preserveAspectRatio: "none", height },
    ...ticks.map(({ at }) => {
      const x = at * WIDTH;
      return svg("line", { class: "tick", x1: x, x2: x, y1: 0, y2: height });
    }),
    ...spans.flatMap(bars),
  );
  const marks = spans.filter(({ isOpen }) => !isOpen).map(mark);
  const labels = ticks
    .filter(({ at }) => at > LABEL_ROOM && at < 1 - LABEL_ROOM)
    .map(({ at, ms }) => {
      const time = clockText(new Date(ms).toISOString());
      const label = h("span", { class: "at" }, tickMs < 60_000 ? time : time.slice(0, -3));
      label.style.left = `${at * 100}%`;
      return label;
    });
  return h(
    "div",
    { class: "strip", "aria-hidden": "true" },
    h("div", { class: "lanes" }, drawing, ...marks),
    h("div", { class: "scale" }, ...labels),
  );
}

/** Thin while it waited, thick while it ran. */
function bars({ lane, acceptedAt, startedAt, endsAt, outcome }: Span): Element[] {
  const y = lane * LANE + 2;
  const bar = (from: number, to: number, thick: number, kind: string) =>
    svg("rect", {
      class: kind,
      "data-tone": outcome.tone,
      x: Math.min(from * WIDTH, to * WIDTH - 2), // the shortest end where they end too
      width: Math.max(2, (to - from) * WIDTH),
      y: y + (LANE - thick) / 2 - 1,
      height: thick,
    });
  const waited = bar(acceptedAt, startedAt ?? endsAt, 2, "waited");
  return startedAt === undefined ? [waited] : [waited, bar(startedAt, endsAt, 6, "ran")];
}

/** How it ended, at its end. It is laid over the drawing, which is stretched. */
function mark({ lane, endsAt, outcome }: Span): Element {
  const path = svg("path", { d: pathOf(outcome.shape), "fill-rule": "evenodd" });
  const made = svg(
    "svg",
    { class: "icon mark", viewBox: "0 0 16 16", "data-tone": outcome.tone },
    path,
  );
  made.style.left = `${endsAt * 100}%`;
  made.style.top = `${lane * LANE + 2}px`;
  return made;
}
