/** A few numbers and how they went over the last minutes. */
import { byId, h, setText, svg } from "../parts/dom.ts";
import { bytesText, countText, durationText } from "../parts/words.ts";
import type { Model } from "./model.ts";
import { growth, levels, REACH_MS, type Sample, type Series } from "./samples.ts";

const SLOTS = 60;
const WIDTH = 120;
const HEIGHT = 24;

interface Counter {
  readonly name: string;
  readonly tone?: "good" | "bad" | "warn";
  /** A sum is drawn by how much it grew, a level by how high it stood. */
  readonly kind: "sum" | "level";
  readonly value: (sample: Sample) => number;
  readonly text: (model: Model) => string;
  readonly note: (model: Model) => string;
  /** The chart in a word: how much came, or the most there was. */
  readonly gist: (series: Series) => string;
}

const grown = (series: Series) =>
  `+${countText(series.reduce<number>((sum, each) => sum + (each ?? 0), 0))}`;
const most = (series: Series) => Math.max(0, ...series.map((each) => each ?? 0));

const COUNTERS: readonly Counter[] = [
  {
    name: "done",
    tone: "good",
    kind: "sum",
    value: ({ done }) => done,
    text: ({ status }) => countText(status?.counts.succeeded ?? 0),
    note: () => "since start",
    gist: grown,
  },
  {
    name: "failed",
    tone: "bad",
    kind: "sum",
    value: ({ failed }) => failed,
    text: ({ status }) => countText(status?.counts.failed ?? 0),
    note: () => "since start",
    gist: grown,
  },
  {
    name: "outbox",
    tone: "warn",
    kind: "level",
    value: ({ waiting }) => waiting,
    text: ({ status }) => countText(status?.outbox.waiting ?? 0),
    note: outboxNote,
    gist: (series) => `≤ ${countText(most(series))}`,
  },
  {
    name: "log lines",
    kind: "sum",
    value: ({ lines, lost }) => lines + lost,
    text: ({ samples, nowMs, clockAheadMs }) => `${rate(samples.all, nowMs - clockAheadMs)}/s`,
    note: ({ linesLost }) => (linesLost === 0 ? "all levels" : `${countText(linesLost)} missing`),
    gist: grown,
  },
  {
    name: "journal",
    kind: "level",
    value: ({ journalBytes }) => journalBytes,
    text: ({ status }) => bytesText(status?.journal.bytes ?? 0),
    note: ({ status }) => (status?.journal.isFull === true ? "cannot be written" : "on disk"),
    gist: (series) => `≤ ${bytesText(most(series))}`,
  },
];

export function countersView(model: Model): void {
  const parts = COUNTERS.map((counter) => {
    const value = h("span", { class: "value" });
    const note = h("span", { class: "note" });
    const gist = h("span", { class: "note" });
    const chart = h("div", { class: "chart" });
    byId("counters").append(
      h(
        "div",
        { class: "counter", "data-tone": counter.tone },
        h("span", { class: "name" }, counter.name),
        value,
        chart,
        note,
        gist,
      ),
    );
    return { counter, value, note, gist, chart };
  });
  let drawn: readonly Sample[] | undefined;
  model.onDraw(() => {
    for (const { counter, value, note } of parts) {
      setText(value, counter.text(model));
      setText(note, counter.note(model));
    }
    const { all } = model.samples;
    if (all === drawn) return; // they are drawn when there is a new sample, not each frame
    drawn = all;
    for (const { counter, chart, gist } of parts) {
      const series = seriesOf(counter, all);
      chart.replaceChildren(chartOf(counter, series));
      setText(gist, counter.gist(series));
    }
  });
}

function outboxNote({ status, nowMs }: Model): string {
  const { oldestAt, aside = 0 } = status?.outbox ?? {};
  if (oldestAt === undefined) return "results wait";
  const age = durationText(nowMs - Date.parse(oldestAt));
  return aside === 0 ? `oldest ${age}` : `oldest ${age}, ${countText(aside)} aside`;
}

/** Lines per second over the last few samples. */
function rate(samples: readonly Sample[], nowMs: number): string {
  const recent = samples.filter(({ atMs }) => atMs > nowMs - 10_000);
  const [first, last] = [recent[0], recent.at(-1)];
  if (first === undefined || last === undefined || last.atMs <= first.atMs) return "0";
  const perSecond = ((last.lines - first.lines) * 1_000) / (last.atMs - first.atMs);
  return perSecond < 10 ? perSecond.toFixed(1) : countText(Math.round(perSecond));
}

function seriesOf({ kind, value }: Counter, samples: readonly Sample[]): Series {
  const over = { nowMs: samples.at(-1)?.atMs ?? 0, slots: SLOTS };
  return kind === "sum" ? growth(samples, value, over) : levels(samples, value, over);
}

function chartOf({ kind, name, gist }: Counter, series: Series): Element {
  const top = Math.max(1, most(series));
  const label = `${name} over the last ${REACH_MS / 60_000} minutes: ${gist(series)}`;
  const drawing = {
    viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
    preserveAspectRatio: "none",
    role: "img",
    "aria-label": label,
  };
  return svg("svg", drawing, ...(kind === "sum" ? bars(series, top) : steps(series, top)));
}

function bars(series: Series, top: number): Element[] {
  const width = WIDTH / series.length;
  return series.flatMap((value, slot) => {
    if (value === undefined || value === 0) return [];
    const height = Math.max(1.5, (value / top) * (HEIGHT - 1));
    return [svg("rect", { x: slot * width, width: width - 0.4, y: HEIGHT - height, height })];
  });
}

/** A level holds until it is seen anew; where nobody looked for long, nothing is drawn. */
function steps(series: Series, top: number): Element[] {
  const width = WIDTH / series.length;
  return series.flatMap((value, slot) => {
    if (value === undefined) return [];
    const height = (value / top) * (HEIGHT - 2) + 1;
    return [svg("rect", { x: slot * width, width: width + 0.1, y: HEIGHT - height, height })];
  });
}
