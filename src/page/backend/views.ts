/** The top of the page and the lists beside the plan. */
import type { RunSummary } from "../../wire/direct.ts";
import { ask } from "../parts/dialogs.ts";
import { button, byId, h, keyedList, type Part, setAttribute, setText } from "../parts/dom.ts";
import { icon } from "../parts/icon.ts";
import type { Outcome } from "../parts/tone.ts";
import { clockText, countText, durationText, some } from "../parts/words.ts";
import { door } from "./door.ts";
import type { Model } from "./model.ts";

const CANCEL = {
  title: "Cancel the run?",
  text:
    "Servants that can be told call off what they have in hand, and no further step goes out. What " +
    "has been done stays done.",
  yes: "Cancel the run",
  no: "Let it go on",
};
const SILENT: Outcome = { word: "No answer", shape: "broken", tone: "bad" };
const IDLE: Outcome = { word: "Idle", shape: "ring", tone: "idle" };
export const STATUS: Readonly<Record<string, Outcome>> = {
  running: { word: "Running", shape: "play", tone: "busy" },
  succeeded: { word: "Done", shape: "check", tone: "good" },
  failed: { word: "Failed", shape: "alert", tone: "bad" },
  cancelled: { word: "Cancelled", shape: "stop", tone: "warn" },
  stopped: { word: "Stopped", shape: "stop", tone: "warn" },
  interrupted: { word: "Interrupted", shape: "broken", tone: "warn" },
};

interface Notice extends Outcome {
  readonly text: string;
}

export function topView(news: () => void): (model: Model) => void {
  const headline = byId("headline");
  const shape = icon();
  const word = h("span");
  headline.replaceChildren(shape.element, word);
  const facts = factList(byId("facts"));
  const showNotices = keyedList<Notice>(byId("notices"), ({ word, text }) => word + text, notice);
  const cancel = cancelButton(news);
  let said: string | undefined;
  return (model) => {
    const { newest, silentSinceMs } = model;
    const known = newest === undefined ? IDLE : (STATUS[newest.status] ?? IDLE);
    const outcome = silentSinceMs === undefined ? known : SILENT;
    shape.show(outcome);
    setAttribute(headline, "data-tone", outcome.tone);
    setAttribute(document.body, "data-stale", silentSinceMs !== undefined);
    setText(word, outcome.word);
    document.title = `${outcome.word} · backend`;
    showNotices(noticesOf(model));
    facts(model);
    cancel(model);
    if (said !== undefined && said !== outcome.word) setText(byId("said"), `Now: ${outcome.word}`);
    said = outcome.word;
  };
}

function noticesOf({ health, silentSinceMs }: Model): Notice[] {
  const since = silentSinceMs === undefined ? "" : clockText(new Date(silentSinceMs).toISOString());
  const silent = `The backend is gone or stuck. This is how it stood at ${since}; the page tries again.`;
  const lost = `A restart would forget what happens now: ${health?.not_saved}`;
  return [
    ...(silentSinceMs === undefined ? [] : [{ ...SILENT, text: silent }]),
    ...(typeof health?.not_saved === "string"
      ? [{ word: "Not saved", shape: "alert", tone: "bad", text: lost } as const]
      : []),
  ];
}

function notice(told: Notice): Part<Notice> {
  const shape = icon();
  shape.show(told);
  const text = h("span", {}, told.text);
  const line = { class: "notice", "data-tone": told.tone };
  return {
    element: h("p", line, shape.element, h("strong", {}, told.word), text),
    update: () => {},
  };
}

function factList(list: HTMLElement): (model: Model) => void {
  const fact = (name: string) => {
    const value = h("dd");
    const whole = h("div", {}, h("dt", {}, name), value);
    list.append(whole);
    return (text: string | undefined) => {
      whole.hidden = text === undefined;
      setText(value, text ?? "");
    };
  };
  const [run, began, took, domains, servants] = [
    fact("run"),
    fact("began"),
    fact("took"),
    fact("domains"),
    fact("servants"),
  ];
  return (model) => {
    const { newest } = model;
    run(newest && runText(newest));
    began(newest && clockText(isoOf(newest.started)));
    const { started = 0, ended = null } = newest ?? {};
    took(ended === null ? undefined : durationText((ended - started) * 1_000));
    domains(model.health?.domains.join(", "));
    servants(model.health && countText(model.health.servants));
  };
}

export function isoOf(epochSeconds: number): string {
  return new Date(epochSeconds * 1_000).toISOString();
}

export function runText({ kind, what }: RunSummary): string {
  const text = kind === "mission" || kind === "blocks" ? what : `${kind} ${what}`;
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}

/** The one thing that may be asked of it here. */
function cancelButton(news: () => void): (model: Model) => void {
  const trouble = h("span", { class: "trouble", role: "alert" });
  const cancel = button(
    { id: "cancel", class: "plain" },
    async () => {
      if (!(await ask(CANCEL))) return;
      try {
        await door.cancel();
        setText(trouble, "");
      } catch (cause) {
        setText(trouble, `Cannot cancel: ${cause instanceof Error ? cause.message : cause}`);
      }
      news();
    },
    "Cancel the run…",
  );
  byId("commands").prepend(trouble, cancel);
  return ({ newest, silentSinceMs }) => {
    cancel.hidden = newest?.status !== "running" || silentSinceMs !== undefined;
  };
}

/** Which servant would get which transitions. */
export function servantsView(): (model: Model) => void {
  const draw = keyedList<readonly [string, readonly string[]]>(
    byId("servants"),
    ([id]) => id,
    ([id]) => {
      const does = h("code");
      return {
        element: h("li", {}, h("strong", {}, id), does),
        update: ([, transitions]) => setText(does, transitions.join(", ")),
      };
    },
  );
  return ({ actions, health }) => {
    const byServant = new Map<string, string[]>();
    for (const { name, provider } of actions) {
      if (provider !== null) byServant.set(provider, [...(byServant.get(provider) ?? []), name]);
    }
    setText(byId("servants-title"), some(health?.servants ?? 0, "servant"));
    draw([...byServant]);
  };
}
