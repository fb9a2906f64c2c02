/**
 * The map: zones, places, routes, ways planned and flown, and the vehicle, drawn from GeoJSON alone.
 * It shows all of it until somebody moves it; `fit` goes back to that.
 */
import { button, h, setAttribute, setText, svg } from "./dom.ts";
import { isLong, mapDrawing } from "./map-drawing.ts";
import { mapGestures } from "./map-gestures.ts";
import { type Feature, type Plane, planesOf } from "./map-shapes.ts";
import { fitted, moved, scaleBar, type View, type Window, zoomed } from "./map-view.ts";

/** The longest that the scale is drawn, in pixels. */
const SCALE_PIXELS = 120;
const ZOOM_STEP = 1.5;

export interface MapSource {
  readonly features: readonly Feature[];
  /** Zones that nothing may enter. */
  readonly keepOuts: ReadonlySet<string>;
}

/** Fills `section`, which is hidden while there is nothing to be seen. */
export function mapPanel(section: HTMLElement): (source: MapSource) => void {
  let features: readonly Feature[] | undefined;
  let planes: readonly Plane[] = [];
  let keepOuts: ReadonlySet<string> = new Set();
  let chosen: string | undefined;
  /** Undefined: all of it. */
  let wished: View | undefined;
  const drawing = mapDrawing();
  const field = h(
    "div",
    {
      class: "map-field",
      tabindex: 0,
      role: "group",
      "aria-label": "Map. Arrow keys move it, plus and minus zoom, 0 shows all.",
    },
    drawing.element,
  );
  const frames = h("div", { class: "frames" });
  const legend = h("p", { class: "legend" });
  const scale = scaleMark();
  field.append(scale.element, northMark());
  const plane = () => planes.find(({ frame }) => frame === chosen) ?? planes[0];
  const size = (): Window => ({ width: field.clientWidth, height: field.clientHeight });

  const draw = () => {
    const shown = plane();
    section.hidden = shown === undefined;
    if (shown === undefined) return;
    const window = size();
    if (window.width === 0) return;
    const view = wished ?? fitted(shown, window);
    drawing.draw(shown, { view, window, keepOuts });
    scale.draw(view);
    setText(legend, legendText(shown, keepOuts));
    drawFrames(frames, planes, shown, (frame) => {
      chosen = frame;
      wished = undefined;
      draw();
    });
  };
  const change = (how: (view: View, window: Window) => View) => {
    const shown = plane();
    if (shown === undefined) return;
    const window = size();
    wished = how(wished ?? fitted(shown, window), window);
    draw();
  };
  const zoomBy = (factor: number) =>
    change((view, window) => zoomed(view, window, factor, [window.width / 2, window.height / 2]));
  const fit = () => {
    wished = undefined;
    draw();
  };
  mapGestures(field, {
    move: (byX, byY) => change((view) => moved(view, byX, byY)),
    zoom: (factor, at) =>
      change((view, window) =>
        zoomed(view, window, factor, at ?? [window.width / 2, window.height / 2]),
      ),
    fit,
  });
  section.append(
    h(
      "div",
      { class: "map-tools" },
      frames,
      button({ class: "plain", "aria-label": "Zoom in" }, () => zoomBy(ZOOM_STEP), "+"),
      button({ class: "plain", "aria-label": "Zoom out" }, () => zoomBy(1 / ZOOM_STEP), "−"),
      button({ class: "plain" }, fit, "Fit"),
    ),
    field,
    legend,
  );
  new ResizeObserver(draw).observe(field);
  return (source) => {
    if (source.features !== features) planes = planesOf(source.features);
    features = source.features;
    keepOuts = source.keepOuts;
    draw();
  };
}

function drawFrames(
  into: HTMLElement,
  planes: readonly Plane[],
  shown: Plane,
  choose: (frame: string) => void,
): void {
  const text = JSON.stringify([planes.map(({ frame }) => frame), shown.frame]);
  if (into.dataset.shown === text) return;
  into.dataset.shown = text;
  const one = ({ frame }: Plane) =>
    button(
      { class: "chip", "aria-pressed": String(frame === shown.frame) },
      () => choose(frame),
      frame,
    );
  into.replaceChildren(
    ...(planes.length > 1 ? planes.map(one) : [h("span", { class: "soft" }, shown.frame)]),
  );
}

/** In words, what the lines are, of those that there are. */
function legendText({ shapes, vehicle }: Plane, keepOuts: ReadonlySet<string>): string {
  const planned = shapes.filter(({ kind }) => kind === "planned");
  const told = [
    ...(planned.some((way) => !isLong(way)) ? ["dashed: planned"] : []),
    ...(planned.some(isLong) ? ["thin: planned"] : []),
    ...(shapes.some(({ kind }) => kind === "track") ? ["thick: flown"] : []),
    ...(shapes.some(({ name }) => keepOuts.has(name)) ? ["hatched: keep-out"] : []),
    ...(vehicle === undefined ? [] : [`the vehicle is at ${vehicle.name}`]),
  ];
  return told.join(" · ");
}

function scaleMark(): { readonly element: HTMLElement; readonly draw: (view: View) => void } {
  const bar = svg("path", { class: "scale-bar" });
  const mark = svg("svg", { "aria-hidden": "true", height: 8, width: SCALE_PIXELS + 2 }, bar);
  const text = h("span");
  return {
    element: h("div", { class: "map-scale" }, text, mark),
    draw({ metresPerPixel }) {
      const scale = scaleBar(metresPerPixel, SCALE_PIXELS);
      setText(text, scale.text);
      setAttribute(bar, "d", `M1 1v6H${(scale.pixels + 1).toFixed(1)}v-6`);
    },
  };
}

function northMark(): HTMLElement {
  const arrow = svg("path", { d: "M8 1 12.5 15 8 11.6 3.5 15Z" });
  return h(
    "div",
    { class: "map-north" },
    svg("svg", { viewBox: "0 0 16 16", width: 16, height: 16, "aria-hidden": "true" }, arrow),
    h("span", { class: "unseen" }, "up is "),
    "N",
  );
}
