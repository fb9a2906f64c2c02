/** Keys for the whole page. They rest while somebody types or a dialog is open. */
import { isOpen, show } from "../parts/dialogs.ts";
import { button, byId, h } from "../parts/dom.ts";
import type { LogPanel } from "./log-panel.ts";

interface Key {
  readonly key: string;
  readonly does: string;
  readonly act: () => void;
}

export function keyboard(log: LogPanel): void {
  const keys: readonly Key[] = [
    { key: "/", does: "to the text filter of the log", act: log.focusFilter },
    { key: "l", does: "to the lines of the log", act: log.focusLines },
    { key: "v", does: "hold the view of the log, or let it go on", act: log.toggleHold },
    { key: "e", does: "to the end of the log, and along with it", act: log.toEnd },
    { key: "x", does: "take text and audit id out of the filter", act: log.clear },
    { key: "n", does: "to what runs now, or the next button there", act: () => focusIn("now") },
    { key: "a", does: "to the assignments", act: () => focusIn("assignments") },
    { key: "?", does: "these keys", act: () => showKeys(keys) },
  ];
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || isOpen() || isTyping(event.target))
      return;
    if (areOff()) return;
    const found = keys.find(({ key }) => key === event.key);
    if (found === undefined) return;
    event.preventDefault();
    found.act();
  });
  byId("commands").append(
    button(
      { class: "plain", id: "keys", "aria-label": "Keys", title: "Keys" },
      () => showKeys(keys),
      "?",
    ),
  );
}

/** Where this browser keeps that keys do nothing: whoever dictates would press them by speaking. */
const OFF_ITEM = "agent.keys-off";

function areOff(): boolean {
  try {
    return localStorage.getItem(OFF_ITEM) !== null;
  } catch {
    return false; // a browser that keeps nothing for this page
  }
}

function turn(areOn: boolean): void {
  try {
    if (areOn) localStorage.removeItem(OFF_ITEM);
    else localStorage.setItem(OFF_ITEM, "");
  } catch {
    // It keeps nothing: they stay on.
  }
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLInputElement || target instanceof HTMLSelectElement;
}

function focusIn(id: string): void {
  const buttons = [...byId(id).querySelectorAll("button")].filter((each) => !each.hidden);
  const next = buttons.indexOf(document.activeElement as HTMLButtonElement) + 1;
  (buttons[next] ?? buttons[0])?.focus();
}

function showKeys(keys: readonly Key[]): void {
  const rows = keys.map(({ key, does }) =>
    h("div", {}, h("dt", {}, h("kbd", {}, key)), h("dd", {}, does)),
  );
  const more = [
    ["↑ ↓", "in the log: one line on, shown at length"],
    ["Home End", "in the log: to its first line, to its end"],
    ["Esc", "leaves a question, the filter, a line"],
  ].map(([key = "", does = ""]) => h("div", {}, h("dt", {}, h("kbd", {}, key)), h("dd", {}, does)));
  const isOn = h("input", { type: "checkbox", id: "keys-on" });
  isOn.checked = !areOff();
  isOn.addEventListener("change", () => turn(isOn.checked));
  const label = h("label", { class: "line" }, isOn, "Letters act as keys on this page");
  show("Keys", [h("dl", { class: "keys" }, ...rows, ...more), label]);
}
