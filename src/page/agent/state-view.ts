/** The top of the page: how the agent is, in a word, and what a person may ask of it as a whole. */
import { measuredText } from "../../core/measured.ts";
import { printable } from "../../core/printable.ts";
import type { Status } from "../../wire/local.ts";
import { ask } from "../parts/dialogs.ts";
import { button, byId, h, keyedList, type Part, setAttribute, setText } from "../parts/dom.ts";
import { icon } from "../parts/icon.ts";
import { clockText, durationText, shortId } from "../parts/words.ts";
import { door } from "./door.ts";
import type { Live } from "./live.ts";
import type { Model } from "./model.ts";
import { type Notice, noticesOf } from "./notices.ts";

const DRAIN = {
  title: "Drain the agent?",
  text:
    "What runs is finished, what waits is answered, results are delivered. Then the agent ends, " +
    "and this page with it.",
  yes: "Drain",
  no: "Go on as it is",
};

const STOPPED: Notice = {
  word: "Stopped",
  shape: "stop",
  tone: "warn",
  text: "The agent was stopped. This is how it stood; the page goes on when the agent is started again.",
};
const SILENT: Notice = {
  word: "No answer",
  shape: "broken",
  tone: "bad",
  text: "The agent is gone without a word, or stuck. This is how it stood; the page tries again.",
};

export function stateView(model: Model, live: Live): void {
  const headline = byId("headline");
  const shape = icon();
  const word = h("span");
  headline.replaceChildren(shape.element, word);
  const facts = factList(byId("facts"));
  const commands = commandButtons(model, live);
  const showNotices = keyedList<Notice>(byId("notices"), ({ word, shape }) => word + shape, notice);
  let said: string | undefined;
  model.onDraw(() => {
    const notices = model.access === "in" ? told(model) : [];
    const [first] = notices;
    document.body.dataset.access = model.access;
    byId("inside").hidden = model.access !== "in";
    byId("outside").hidden = model.access !== "out";
    byId("keys").hidden = model.access !== "in";
    tellOutside(model);
    setAttribute(document.body, "data-stale", model.staleSinceMs !== undefined);
    if (first !== undefined) shape.show(first);
    shape.element.style.display = first === undefined ? "none" : "";
    setAttribute(headline, "data-tone", first?.tone);
    setText(word, first?.word ?? "agent");
    document.title = first === undefined ? "agent" : `${first.word} · agent`;
    showNotices(notices.filter(({ text }) => text !== ""));
    facts(model);
    commands();
    // Read out loud: that the state changed, not each of its details.
    if (first !== undefined && first.word !== said) {
      if (said !== undefined) setText(byId("said"), `The agent: ${first.word}. ${first.text}`);
      said = first.word;
    }
  });
}

/** Whoever was in before is told why no longer. */
function tellOutside({ access, status }: Model): void {
  if (access !== "out" || status === undefined) return;
  setText(byId("outside-title"), "This browser's session has ended");
  setText(byId("said"), "This browser's session has ended. Type: agent open");
}

/** What the status says; when it is old, that comes first. */
function told({ isStopped, status, staleSinceMs, clockAheadMs }: Model): readonly Notice[] {
  const known = status === undefined ? [] : noticesOf(status);
  if (staleSinceMs === undefined) return known;
  const sinceMs = staleSinceMs + clockAheadMs;
  if (isStopped) return [{ ...STOPPED, sinceMs }];
  return [{ ...SILENT, sinceMs }, ...known.filter((each) => each.text !== "")];
}

function notice(): Part<Notice> {
  const shape = icon();
  const word = h("strong");
  const text = h("span");
  const since = h("span", { class: "since" });
  const element = h("p", { class: "notice" }, shape.element, word, text, since);
  return {
    element,
    update(told) {
      shape.show(told);
      setAttribute(element, "data-tone", told.tone);
      setText(word, told.word);
      setText(text, told.text);
      const from =
        told.sinceMs === undefined ? "" : clockText(new Date(told.sinceMs).toISOString());
      setText(since, from && `since ${from}`);
    },
  };
}

function factList(list: HTMLElement): (model: Model) => void {
  const fact = (name: string, short = (text: string) => text) => {
    const value = h("dd");
    const whole = h("div", {}, h("dt", {}, name), value);
    list.append(whole);
    return (text: string | undefined) => {
      whole.hidden = text === undefined;
      setText(value, short(text ?? ""));
      setAttribute(value, "title", text);
    };
  };
  const servant = fact("servant", shortId);
  const backend = fact("backend");
  const uptime = fact("up");
  const plugin = fact("plugin process");
  const version = fact("version");
  const measures = fact("measures");
  return (model) => {
    const { status } = model;
    const shown = model.access === "in" ? status : undefined;
    servant(shown?.link.servantId);
    backend(shown?.link.origin);
    uptime(shown && durationText(model.nowMs - Date.parse(shown.startedAt)));
    plugin(shown && pluginText(shown.child));
    version(shown?.version);
    measures(shown && measuresText(shown.streams));
  };
}

/** So many streams have room; the rest is in `agent status`. */
const MEASURES_MAX = 3;

function measuresText(streams: Status["streams"] = []): string | undefined {
  const told = streams.flatMap(({ name, value }) =>
    value === undefined ? [] : [printable(`${name} ${measuredText(value)}`)],
  );
  const more = told.length > MEASURES_MAX ? [`and ${told.length - MEASURES_MAX} more`] : [];
  return told.length === 0 ? undefined : [...told.slice(0, MEASURES_MAX), ...more].join(", ");
}

function pluginText({ pid, restarts }: { pid?: number | undefined; restarts: number }): string {
  const ends = restarts === 0 ? "" : `, ${restarts} restart${restarts === 1 ? "" : "s"}`;
  return `${pid === undefined ? "none" : pid}${ends}`;
}

function commandButtons(model: Model, live: Live): () => void {
  const act = async (what: string, action: () => Promise<void>) => {
    try {
      await action();
      setText(trouble, "");
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      setText(trouble, `Cannot ${what}: ${reason}`);
    }
    live.refresh();
  };
  const trouble = h("span", { class: "trouble", role: "alert" });
  const pause = button({ id: "pause" }, () => void act("pause", door.pause), "Pause");
  const resume = button(
    { id: "resume", class: "main" },
    () => void act("resume", door.resume),
    "Resume",
  );
  const drain = button(
    { id: "drain", class: "plain" },
    async () => {
      if (await ask(DRAIN)) await act("drain", door.drain);
    },
    "Drain…",
  );
  byId("commands").prepend(trouble, pause, resume, drain);
  return () => {
    const { status, staleSinceMs, access } = model;
    const isPaused = status?.paused !== undefined;
    const canAsk = status !== undefined && staleSinceMs === undefined && access === "in";
    pause.hidden = !canAsk || isPaused;
    resume.hidden = !canAsk || !isPaused;
    drain.hidden = !canAsk;
    drain.disabled = status?.state === "draining";
  };
}
