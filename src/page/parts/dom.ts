/**
 * Makes and changes elements. Text is only ever set as text: nothing here reads markup, and what would
 * turn the order of reading shows as its code.
 */
import { printableLines } from "../../core/printable.ts";

const SVG = "http://www.w3.org/2000/svg";

export type Child = Node | string | undefined;
/** Attributes; `false` and undefined leave one out, `true` sets it empty. */
export type Attributes = Readonly<Record<string, string | number | boolean | undefined>>;

export function h<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Attributes = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[Tag] {
  return furnish(document.createElement(tag), attributes, children);
}

export function svg<Tag extends keyof SVGElementTagNameMap>(
  tag: Tag,
  attributes: Attributes = {},
  ...children: readonly Child[]
): SVGElementTagNameMap[Tag] {
  return furnish(document.createElementNS(SVG, tag), attributes, children);
}

function furnish<Made extends Element>(
  made: Made,
  attributes: Attributes,
  children: readonly Child[],
): Made {
  for (const [name, value] of Object.entries(attributes)) setAttribute(made, name, value);
  for (const child of children) {
    if (child !== undefined) made.append(typeof child === "string" ? printableLines(child) : child);
  }
  return made;
}

export function button(
  attributes: Attributes,
  onClick: () => void,
  ...children: readonly Child[]
): HTMLButtonElement {
  const made = h("button", { type: "button", ...attributes }, ...children);
  made.addEventListener("click", onClick);
  return made;
}

/** Changes nothing when nothing changes, so that it may be said each second. */
export function setText(node: Node, text: string): void {
  const shown = printableLines(text);
  if (node.textContent !== shown) node.textContent = shown;
}

export function setAttribute(
  element: Element,
  name: string,
  value: string | number | boolean | undefined,
): void {
  if (value === undefined || value === false) element.removeAttribute(name);
  else {
    const text = value === true ? "" : String(value);
    if (element.getAttribute(name) !== text) element.setAttribute(name, text);
  }
}

/** The element that `page.html` has under this id. */
export function byId<Made extends HTMLElement = HTMLElement>(id: string): Made {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`Cannot find "#${id}" in the page`);
  return found as Made;
}

export interface Part<Item> {
  readonly element: Element;
  readonly update: (item: Item) => void;
}

/**
 * Shows items as children of `parent`, one for each key. What stays is updated in its place, so
 * that focus, selection and open menus stay too.
 */
export function keyedList<Item>(
  parent: Element,
  keyOf: (item: Item) => string,
  create: (item: Item) => Part<Item>,
): (items: readonly Item[]) => void {
  let parts = new Map<string, Part<Item>>();
  return (items) => {
    const next = new Map<string, Part<Item>>();
    let at: Element | null = parent.firstElementChild;
    const wanted = new Set(items.map(keyOf));
    for (const [key, { element }] of parts) {
      if (wanted.has(key)) continue;
      if (at === element) at = element.nextElementSibling;
      element.remove();
    }
    for (const item of items) {
      const key = keyOf(item);
      const part = parts.get(key) ?? create(item);
      part.update(item);
      next.set(key, part);
      if (at === part.element) at = at.nextElementSibling;
      else parent.insertBefore(part.element, at);
    }
    parts = next;
  };
}
