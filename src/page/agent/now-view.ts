/** What is in hand: what runs with its progress, what waits, and the way to call each off. */
import type { InHand } from "../../wire/local.ts";
import { ask } from "../parts/dialogs.ts";
import { button, byId, h, keyedList, type Part, setAttribute, setText } from "../parts/dom.ts";
import { icon } from "../parts/icon.ts";
import { durationText } from "../parts/words.ts";
import { door } from "./door.ts";
import type { Live } from "./live.ts";
import type { CancelWish, Model } from "./model.ts";
import { outcomeOf } from "./outcome.ts";

export function nowView(model: Model, live: Live, showStory: (auditId: string) => void): void {
  const inHand = keyedList<InHand>(
    byId("in-hand"),
    ({ auditId }) => auditId,
    ({ auditId }) => card(model, live, () => showStory(auditId)),
  );
  const cancels = keyedList<CancelWish>(
    byId("cancels"),
    ({ auditId }) => auditId,
    ({ auditId }) => ended(model, auditId),
  );
  const idle = byId("idle");
  model.onDraw(() => {
    const { status } = model;
    if (status === undefined) return;
    inHand([...status.inHand].sort(byTurn));
    cancels([...model.cancels.values()].filter(({ end }) => end !== undefined));
    idle.hidden = status.inHand.length > 0;
    setText(idle, idleText(model));
  });
}

/** What runs stands above what waits; each in the order it came. */
function byTurn(one: InHand, other: InHand): number {
  const isFirst = Number(other.phase === "started") - Number(one.phase === "started");
  return isFirst || Date.parse(one.acceptedAt) - Date.parse(other.acceptedAt);
}

function idleText({ assignments, nowMs }: Model): string {
  const last = assignments.find(({ finishedAt }) => finishedAt !== undefined);
  if (last?.finishedAt === undefined) return "Nothing is in hand.";
  const ago = durationText(nowMs - Date.parse(last.finishedAt));
  return `Nothing is in hand. The last was ${last.what}: ${outcomeOf(last).word}, ${ago} ago.`;
}

function card(model: Model, live: Live, onStory: () => void): Part<InHand> {
  const shape = icon();
  const word = h("span", { class: "word" });
  const what = button({ class: "what", title: "Its whole story" }, onStory);
  const elapsed = h("span", { class: "elapsed" });
  const bar = h("span", { class: "fill" });
  const progress = h(
    "div",
    { class: "progress", role: "progressbar", "aria-label": "Progress" },
    bar,
  );
  const percent = h("span", { class: "percent" });
  const message = h("span", { class: "message" });
  const reason = h("p", { class: "reason" });
  let shown: InHand | undefined;
  const stop = button(
    { class: "cancel" },
    () => shown && void cancel(model, live, shown),
    "Cancel…",
  );
  const element = h(
    "li",
    { class: "card" },
    h("div", { class: "line" }, shape.element, word, what, elapsed, stop),
    h("div", { class: "line below" }, progress, percent, message),
    reason,
  );
  const update = (item: InHand) => {
    shown = item;
    const outcome = outcomeOf(item);
    shape.show(outcome);
    setAttribute(element, "data-phase", item.phase);
    setAttribute(element, "data-audit", item.auditId);
    setText(word, outcome.word);
    setText(what, item.what);
    const fromMs = Date.parse(item.startedAt ?? item.acceptedAt);
    setText(elapsed, durationText(model.nowMs - fromMs));
    const told = item.progress;
    const fraction = Math.min(1, Math.max(0, told?.fraction ?? 0));
    const all = Math.round(fraction * 100);
    progress.hidden = told === undefined;
    setAttribute(progress, "aria-valuenow", all);
    bar.style.width = `${all}%`;
    setText(percent, told === undefined ? "" : `${all} %`);
    setText(message, told?.message ?? (item.phase === "started" ? "" : "waits for its turn"));
    setText(reason, item.cancelled === undefined ? "" : `To be cancelled: ${item.cancelled}`);
    stop.hidden = item.cancelled !== undefined || model.staleSinceMs !== undefined;
    setAttribute(stop, "aria-label", `Cancel ${item.what}`);
  };
  return { element, update };
}

async function cancel(model: Model, live: Live, { auditId, what, phase }: InHand): Promise<void> {
  const text =
    phase === "started"
      ? "Its handler is told to stop. How it ended stands here afterwards."
      : "It will not start. Its result says that it was cancelled.";
  if (!(await ask({ title: `Cancel ${what}?`, text, yes: "Cancel it", no: "Let it go on" })))
    return;
  model.cancels.set(auditId, { auditId, what });
  try {
    await door.cancel(auditId);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    model.cancels.set(auditId, { auditId, what, end: { word: "not cancelled", text: reason } });
  }
  live.refresh();
}

/** What became of a cancel, until it was read. */
function ended(model: Model, auditId: string): Part<CancelWish> {
  const text = h("span");
  const forget = () => {
    model.cancels.delete(auditId);
    model.changed();
  };
  const element = h("p", { class: "ended" }, text, button({ class: "plain" }, forget, "Seen"));
  return {
    element,
    update({ what, end }) {
      const told = `You asked to cancel ${what}. It ended: ${end?.word}${end?.text ? `, “${end.text}”` : ""}.`;
      if (text.textContent === told) return;
      setText(text, told);
      setText(byId("said"), told);
    },
  };
}
