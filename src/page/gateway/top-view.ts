/** Above the table: who is logged in, what all sessions come to, what is wrong. */
import { totalsOf } from "../../wire/session-figures.ts";
import { byId, h, keyedList, setAttribute, setText } from "../parts/dom.ts";
import { icon } from "../parts/icon.ts";
import { bytesText, clockText, countText, durationText } from "../parts/words.ts";
import type { Model } from "./model.ts";

interface Notice {
  readonly word: string;
  readonly text: string;
}
type Facts = readonly (readonly [name: string, value: string])[];

export function topView(): (model: Model) => void {
  const showNotices = keyedList<Notice>(byId("notices"), ({ word }) => word, notice);
  const facts = factList(byId("facts"));
  const figures = factList(byId("figures"));
  return (model) => {
    showNotices(noticesOf(model));
    setAttribute(document.body, "data-stale", model.silentSinceMs !== undefined);
    facts(factsOf(model));
    byId("numbers").hidden = model.figures === undefined;
    figures(figuresOf(model));
  };
}

function noticesOf({ login, silentSinceMs, trouble }: Model): Notice[] {
  const notices: Notice[] = [];
  if (silentSinceMs !== undefined) {
    const since = clockText(new Date(silentSinceMs).toISOString());
    const text = `The gateway cannot be reached. This is how it stood at ${since}; the page tries again.`;
    notices.push({ word: "No answer", text });
  }
  if (trouble !== undefined && login !== undefined)
    notices.push({ word: "Refused", text: trouble });
  return notices;
}

function notice(told: Notice) {
  const shape = icon();
  shape.show({ shape: told.word === "Refused" ? "alert" : "broken", tone: "bad" });
  const text = h("span");
  const line = { class: "notice", "data-tone": "bad" };
  return {
    element: h("p", line, shape.element, h("strong", {}, told.word), text),
    update: (now: Notice) => setText(text, now.text),
  };
}

function factsOf({ login, sessions, shares }: Model): Facts {
  if (login === undefined) return [];
  const who = [["logged in as", login.username]] as const;
  if (sessions === undefined) return who;
  const { count, dead, owners, memoryBytes, cpuPercent, inFlight } = totalsOf(sessions, shares);
  const all = [["sessions", dead === 0 ? `${count}` : `${count}, ${dead} dead`]] as const;
  if (login.role !== "admin") return [...who, ...all];
  return [
    ...[["logged in as", `${login.username}, admin`] as const, ...all],
    ["owners", countText(owners)],
    ["memory", bytesText(memoryBytes)],
    ["processor", `${cpuPercent.toFixed(1)} %`],
    ["in flight", countText(inFlight)],
  ];
}

function figuresOf({ figures }: Model): Facts {
  if (figures === undefined) return [];
  const { loggedIn, wrong, heldOff, tokens, passedOn, failed, half, most } = figures;
  return [
    ["logins", countText(loggedIn)],
    ["wrong passwords", countText(wrong)],
    ["held off", countText(heldOff)],
    ["good now", countText(tokens)],
    ["requests to sessions", countText(passedOn)],
    ["of them failed", countText(failed)],
    ["half begin to answer", withinText(half)],
    ["95 of 100, held polls too", withinText(most)],
  ];
}

function withinText(seconds: number | undefined): string {
  if (seconds === undefined) return "–";
  if (!Number.isFinite(seconds)) return "later than 60 s";
  const ms = seconds * 1_000;
  return `within ${ms < 40 ? `${ms} ms` : durationText(ms)}`;
}

function factList(list: HTMLElement): (facts: Facts) => void {
  return keyedList<Facts[number]>(
    list,
    ([name]) => name,
    ([name]) => {
      const value = h("dd");
      return {
        element: h("div", {}, h("dt", {}, name), value),
        update: ([, text]) => setText(value, text),
      };
    },
  );
}
