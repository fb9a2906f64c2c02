/** Questions, and things to read, over the page. The browser keeps the focus inside and gives it back. */
import { button, type Child, h } from "./dom.ts";

export interface Question {
  readonly title: string;
  readonly text: string;
  /** What the button that does it says. */
  readonly yes: string;
  readonly no: string;
}

/** Asks once; true when it shall be done. Escape says no. */
export function ask({ title, text, yes, no }: Question): Promise<boolean> {
  return new Promise((resolve) => {
    let isYes = false;
    const agreed = () => {
      isYes = true;
      dialog.close();
    };
    const dialog = h(
      "dialog",
      { class: "question", "aria-labelledby": "question-title" },
      h("h2", { id: "question-title" }, title),
      h("p", {}, text),
      h(
        "div",
        { class: "answers" },
        button({ class: "plain", autofocus: true }, () => dialog.close(), no),
        button({ class: "grave" }, agreed, yes),
      ),
    );
    open(dialog, () => resolve(isYes));
  });
}

/** Shows something to read; returns what changes its contents. */
export function show(
  title: string,
  contents: readonly Child[],
): { readonly replace: (contents: readonly Child[]) => void; readonly close: () => void } {
  const body = h("div", { class: "reading" }, ...contents);
  const dialog: HTMLDialogElement = h(
    "dialog",
    { "aria-labelledby": "dialog-title" },
    h(
      "div",
      { class: "title" },
      h("h2", { id: "dialog-title" }, title),
      button({ class: "plain", autofocus: true }, () => dialog.close(), "Close"),
    ),
    body,
  );
  open(dialog, () => {});
  const replace = (next: readonly Child[]) => {
    body.replaceChildren(...next.filter((child) => child !== undefined));
  };
  return { replace, close: () => dialog.close() };
}

function open(dialog: HTMLDialogElement, onClosed: () => void): void {
  dialog.addEventListener("close", () => {
    dialog.remove();
    onClosed();
  });
  // A press beside it, on the backdrop, is a press on the dialog itself.
  dialog.addEventListener("click", ({ target }) => {
    if (target === dialog) dialog.close();
  });
  document.body.append(dialog);
  dialog.showModal();
}

export function isOpen(): boolean {
  return document.querySelector("dialog[open]") !== null;
}
