/** The steps of a run: what each is, how far, who has it and, in one line, why; the rest on a click. */
import { h, keyedList, type Part, setAttribute, setText } from "./dom.ts";
import { icon } from "./icon.ts";
import {
  type Link,
  type NoteRow,
  type Row,
  rowsOf,
  type ShownRun,
  type StepPhase,
  type StepRow,
} from "./run-rows.ts";
import type { Outcome } from "./tone.ts";
import { shortId, some } from "./words.ts";

const OUTCOMES: Readonly<Record<StepPhase, Outcome>> = {
  waiting: { word: "waits", shape: "ring", tone: "idle" },
  running: { word: "runs", shape: "play", tone: "busy" },
  done: { word: "done", shape: "check", tone: "good" },
  failed: { word: "failed", shape: "alert", tone: "bad" },
  left: { word: "not taken", shape: "ring", tone: "idle" },
};

const LATE = "its servant answered when nobody waited for it any more";

/** Blocks within blocks are indented so often. */
const INDENTED_MAX = 8;

/** What the panel is told beside the run: who would get a step that is still to come. */
export type ProviderOf = (transition: string) => string | undefined;

/** Draws into `list`, an `ol`; `scroller` is what scrolls when it is long. */
export function runPanel(
  list: HTMLElement,
  scroller = list,
): (run: ShownRun | undefined, who: ProviderOf) => void {
  let providerOf: ProviderOf = () => undefined;
  const draw = keyedList<Row>(
    list,
    ({ kind, key }) => `${kind} ${key}`,
    (row) => rowPart(row, (transition) => providerOf(transition)),
  );
  let shown: ShownRun | undefined;
  return (run, who) => {
    providerOf = who;
    if (run === shown) return;
    const isOther = run?.run_id !== shown?.run_id;
    shown = run;
    draw(run === undefined ? [] : rowsOf(run));
    if (isOther) scroller.scrollTop = 0;
    if (run?.status !== "succeeded") showLatest(list, scroller);
  };
}

/** A long plan scrolls along with what runs, or was tried last, unless somebody reads in it. */
function showLatest(list: HTMLElement, scroller: HTMLElement): void {
  if (list.contains(document.activeElement) || list.matches(":hover")) return;
  const tried = ["running", "failed", "done"].map((phase) => `:scope > [data-phase="${phase}"]`);
  const latest = [...list.querySelectorAll<HTMLElement>(tried.join())].at(-1);
  if (latest === undefined) return;
  const top = latest.getBoundingClientRect().top - scroller.getBoundingClientRect().top;
  const { clientHeight } = scroller;
  if (top < 0 || top > clientHeight * 0.7) scroller.scrollTop += top - clientHeight * 0.3;
}

function rowPart(row: Row, providerOf: ProviderOf): Part<Row> {
  const part = row.kind === "note" ? notePart() : stepPart(providerOf);
  return {
    element: part.element,
    update: (told) => {
      if (told.kind === row.kind) (part.update as (told: Row) => void)(told);
    },
  };
}

function notePart(): Part<NoteRow> {
  const word = h("strong");
  const text = h("span");
  const element = h("li", { class: "plan-note" }, word, text);
  return {
    element,
    update(told) {
      indent(element, told);
      setText(word, told.word);
      setText(text, told.text);
    },
  };
}

function stepPart(providerOf: ProviderOf): Part<StepRow> {
  const shape = icon();
  const word = h("span", { class: "word" });
  const number = h("span", { class: "number" });
  const what = h("span", { class: "what" });
  const holder = h("span", { class: "holder" });
  const reason = h("span", { class: "why" });
  const message = h("span", { class: "message" });
  const body = h("div", { class: "reasons" });
  const details = h(
    "details",
    {},
    h("summary", {}, shape.element, word, number, what, holder, reason, message),
    body,
  );
  const legList = h("ol", { class: "legs" });
  const drawLegs = keyedList<Row>(
    legList,
    ({ kind, key }) => `${kind} ${key}`,
    (row) => rowPart(row, providerOf),
  );
  let told: StepRow | undefined;
  const drawBody = () => {
    if (told === undefined || !details.open) return;
    body.replaceChildren(...reasonsOf(told, providerOf(told.transition)), legList);
    drawLegs(told.legs?.rows ?? []);
    if (told.phase !== "done") showLatest(legList, legList);
  };
  details.addEventListener("toggle", drawBody);
  const element = h("li", { class: "plan-step" }, details);
  return {
    element,
    update(row) {
      const isOther = JSON.stringify(row) !== JSON.stringify(told);
      told = row;
      const outcome = OUTCOMES[row.phase];
      shape.show(outcome);
      setAttribute(element, "data-phase", row.phase);
      indent(element, row);
      setText(word, row.isLate ? `${outcome.word}, late` : outcome.word);
      setAttribute(word, "title", row.isLate && LATE);
      setText(number, row.number === undefined ? "" : `${row.number}.`);
      setText(what, row.what);
      setAttribute(what, "title", row.whole);
      setText(holder, row.servantId === undefined ? legsText(row) : shortId(row.servantId));
      setAttribute(holder, "title", row.servantId && `has servant ${row.servantId}`);
      setText(reason, row.reason);
      setText(message, row.phase === "failed" ? row.message : "");
      if (isOther) drawBody();
    },
  };
}

function indent(element: HTMLElement, { depth }: Row): void {
  element.style.setProperty("--depth", String(Math.min(depth, INDENTED_MAX)));
}

/** `7 of 19 legs`: of those that are listed the done ones are counted, and all that were before. */
function legsText({ legs }: StepRow): string {
  if (legs === undefined || legs.total === 0) return "";
  const now = legs.rows.findLast((row): row is StepRow => row.kind === "step");
  const at = /^leg (\d+) of \d+/.exec(now?.why.replace(/^the way back to /, "") ?? "")?.[1];
  return at === undefined ? some(legs.total, "leg") : `leg ${at} of ${legs.total}`;
}

function reasonsOf(row: StepRow, provider: string | undefined): HTMLElement[] {
  const fact = (name: string, text: string) =>
    text === "" ? [] : [h("div", {}, h("dt", {}, name), h("dd", {}, text))];
  const isComing = row.phase === "waiting";
  const who = row.servantId ?? "";
  return [
    h(
      "dl",
      { class: "step-facts" },
      ...fact("step", row.whole),
      ...fact("taken as", row.why),
      ...fact("servant", who),
      ...fact("would go to", isComing && who === "" ? (provider ?? "") : ""),
      ...fact("audit id", row.auditId ?? ""),
      ...fact(row.phase === "failed" ? "failed" : "it said", row.message),
    ),
    ...linkList("What it needs", row.needs, needText),
    ...linkList("What it is for", row.serves, serveText),
  ];
}

function linkList(
  title: string,
  links: readonly Link[],
  textOf: (step: number | null) => string,
): HTMLElement[] {
  if (links.length === 0) return [];
  const items = links.map(({ atom, step }) =>
    h("li", {}, h("code", {}, atom), " ", h("span", { class: "soft" }, textOf(step))),
  );
  return [h("h3", {}, title), h("ul", { class: "links" }, ...items)];
}

function needText(step: number | null): string {
  return step === null ? "held before the plan began" : `since step ${step}`;
}

function serveText(step: number | null): string {
  return step === null ? "the goal wants it" : `step ${step} needs it`;
}
