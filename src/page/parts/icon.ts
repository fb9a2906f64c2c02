/** The shapes that go with words. Each has an outline of its own, so that none needs its colour. */
import { svg } from "./dom.ts";
import type { Outcome, Shape } from "./tone.ts";

/** Paths in a field of 16 by 16. */
const PATHS: Readonly<Record<Shape, string>> = {
  ring: "M8 2.5a5.5 5.5 0 1 0 0 11 5.5 5.5 0 0 0 0-11Zm0 1.8a3.7 3.7 0 1 1 0 7.4 3.7 3.7 0 0 1 0-7.4Z",
  play: "M4 2.2v11.6L14 8Z",
  check:
    "M8 1.2a6.8 6.8 0 1 0 0 13.6A6.8 6.8 0 0 0 8 1.2Zm3.9 4.9-4.6 5L4 8.4l1.2-1.3 2 1.7 3.4-3.9Z",
  alert: "M8 .9 15.6 14.6H.4ZM7.1 5.6v4.5h1.8V5.6Zm0 5.5v1.7h1.8v-1.7Z",
  stop: "M2 2h12v12H2Zm2 5v2h8V7Z",
  pause: "M3 2h3.6v12H3Zm6.4 0H13v12H9.4Z",
  broken: "M1 7h4v2H1Zm10 0h4v2h-4ZM6.2 3.6l1.4-1 2.2 9.8-1.4 1Z",
  clock:
    "M8 1.2a6.8 6.8 0 1 0 0 13.6A6.8 6.8 0 0 0 8 1.2Zm0 1.7a5.1 5.1 0 1 1 0 10.2A5.1 5.1 0 0 1 8 2.9Zm-.8 1.4v4.2l3 1.8.8-1.3-2.3-1.4V4.3Z",
};

export interface Icon {
  readonly element: SVGElement;
  readonly show: (what: Pick<Outcome, "shape" | "tone">) => void;
}

export function icon(): Icon {
  const path = svg("path", { "fill-rule": "evenodd" });
  const element = svg("svg", { class: "icon", viewBox: "0 0 16 16", "aria-hidden": "true" }, path);
  const show = ({ shape, tone }: Pick<Outcome, "shape" | "tone">) => {
    if (element.dataset.shape === shape && element.dataset.tone === tone) return;
    element.dataset.shape = shape;
    element.dataset.tone = tone;
    path.setAttribute("d", PATHS[shape]);
  };
  return { element, show };
}

/** The path of a shape, for marks inside of drawings. */
export function pathOf(shape: Shape): string {
  return PATHS[shape];
}
