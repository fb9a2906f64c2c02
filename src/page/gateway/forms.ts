/** A question with fields. It stays open until what it asks for is done, and says why it is not. */
import { button, h, setText } from "../parts/dom.ts";

export interface Field {
  readonly name: string;
  readonly label: string;
  readonly hint: string;
  readonly value?: string;
  readonly maxLength: number;
}
export interface Form {
  readonly title: string;
  readonly fields: readonly Field[];
  readonly yes: string;
}

/** `act` gets the values by name; what it throws is shown, and may be mended. */
export function fill(
  { title, fields, yes }: Form,
  act: (value: (name: string) => string) => Promise<void>,
): void {
  const inputs = fields.map(({ name, value = "", maxLength }) =>
    h("input", {
      ...{ name, value, maxlength: maxLength, autocomplete: "off", spellcheck: "false" },
      "aria-describedby": `hint-${name}`,
    }),
  );
  const trouble = h("p", { class: "trouble", role: "alert" });
  const agree = h("button", { type: "submit", class: "main" }, yes);
  const form = h(
    "form",
    {},
    ...fields.map(({ name, label, hint }, at) =>
      h("label", {}, label, inputs[at], h("span", { class: "hint", id: `hint-${name}` }, hint)),
    ),
    trouble,
    h(
      "div",
      { class: "answers" },
      button({ class: "plain" }, () => dialog.close(), "Cancel"),
      agree,
    ),
  );
  const heading = h("h2", { id: "form-title" }, title);
  const dialog = h("dialog", { class: "question", "aria-labelledby": "form-title" }, heading, form);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    agree.disabled = true;
    setText(trouble, "");
    try {
      await act((name) => inputs.find((each) => each.name === name)?.value.trim() ?? "");
      dialog.close();
    } catch (cause) {
      setText(trouble, cause instanceof Error ? cause.message : String(cause));
    }
    agree.disabled = false;
  });
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  inputs[0]?.focus();
}
