/** Keys for a whole page. They rest while somebody types or a dialog is open. */
import { isOpen, show } from "./dialogs.ts";
import { button, byId, h } from "./dom.ts";

export interface Key {
  readonly key: string;
  readonly does: string;
  readonly act: () => void;
}

/** What other keys do, that are no letters: `["Esc", "leaves a question"]`. */
export type OtherKeys = readonly (readonly [key: string, does: string])[];

/** Adds a button to `#commands` that tells of them, as `?` does. */
export function keyboard(own: readonly Key[], others: OtherKeys): void {
  const help = { key: "?", does: "these keys", act: () => showKeys(keys, others) };
  const keys: readonly Key[] = [...own, help];
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
    button({ class: "plain", id: "keys", "aria-label": "Keys", title: "Keys" }, help.act, "?"),
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

/** The next button in the element of this id. */
export function focusIn(id: string): void {
  const found = byId(id).querySelectorAll<HTMLElement>("button, summary");
  const buttons = [...found].filter((each) => !each.hidden);
  const next = buttons.indexOf(document.activeElement as HTMLElement) + 1;
  (buttons[next] ?? buttons[0])?.focus();
}

function showKeys(keys: readonly Key[], others: OtherKeys): void {
  const row = (key: string, does: string) =>
    h("div", {}, h("dt", {}, h("kbd", {}, key)), h("dd", {}, does));
  const rows = [
    ...keys.map(({ key, does }) => row(key, does)),
    ...others.map(([key, does]) => row(key, does)),
  ];
  const isOn = h("input", { type: "checkbox", id: "keys-on" });
  isOn.checked = !areOff();
  isOn.addEventListener("change", () => turn(isOn.checked));
  const label = h("label", { class: "line" }, isOn, "Letters act as keys on this page");
  show("Keys", [h("dl", { class: "keys" }, ...rows), label]);
}
