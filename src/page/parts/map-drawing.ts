/** Draws a plane into SVG: shapes in metres, moved as one; labels and the vehicle in pixels, upon them. */
import { setAttribute, svg } from "./dom.ts";
import type { Plane, Point, Shape, ShapeKind } from "./map-shapes.ts";
import {
  LABEL_HEIGHT,
  type Label,
  placeLabels,
  toPixel,
  type View,
  type Window,
} from "./map-view.ts";

/** More places than this are drawn as one shape, without names of their own. */
const POINTS_NAMED_MAX = 400;
/** Measured without a graphics card: 4,200 points 0.9 s a frame, these 0.1 s. */
const DASHED_POINTS_MAX = 400;
/** Labels that are tried. */
const LABELS_MAX = 120;
/** Ends of legs that are seen at once, and still have their names. */
const ENDS_NAMED_MAX = 12;
const LABEL_CHARACTERS_MAX = 28;
/** Of the labels' font, in pixels: room for a character. */
const CHARACTER_WIDTH = 6.6;
/** What is drawn first lies under the others. */
const ORDER: readonly ShapeKind[] = ["zone", "route", "planned", "track", "point"];

export interface Seen {
  readonly view: View;
  readonly window: Window;
  readonly keepOuts: ReadonlySet<string>;
}

export function mapDrawing(): {
  readonly element: SVGElement;
  readonly draw: (plane: Plane, seen: Seen) => void;
} {
  const hatched = hatch();
  const shapes = svg("g", { class: "shapes" });
  const labels = svg("g", { class: "labels" });
  const vehicle = svg("path", { class: "vehicle", d: "M0-9 6.5 8 0 4.5-6.5 8Z" });
  const element = svg(
    "svg",
    { class: "map", "aria-hidden": "true" },
    hatched,
    shapes,
    vehicle,
    labels,
  );
  let drawn: { readonly plane: Plane; readonly keepOuts: ReadonlySet<string> } | undefined;
  return {
    element,
    draw(plane, { view, window, keepOuts }) {
      if (drawn?.plane !== plane || drawn.keepOuts !== keepOuts) {
        shapes.replaceChildren(...drawShapes(plane.shapes, keepOuts));
        drawn = { plane, keepOuts };
      }
      setAttribute(element, "viewBox", `0 0 ${window.width} ${window.height}`);
      const scale = 1 / view.metresPerPixel;
      const [x, y] = toPixel(view, window, [0, 0]);
      setAttribute(shapes, "transform", `matrix(${scale} 0 0 ${-scale} ${x} ${y})`);
      setAttribute(hatched, "patternTransform", `scale(${view.metresPerPixel})`);
      drawVehicle(vehicle, plane, view, window);
      drawLabels(labels, plane, { view, window, keepOuts });
    },
  };
}

function drawShapes(shapes: readonly Shape[], keepOuts: ReadonlySet<string>): SVGElement[] {
  return ORDER.flatMap((kind) => {
    const of = shapes.filter((each) => each.kind === kind);
    if (kind !== "point" || of.length <= POINTS_NAMED_MAX) {
      return of.map((shape) => drawShape(shape, keepOuts.has(shape.name)));
    }
    const d = of.map(pathOf).join("");
    return [svg("path", { class: "point", d, "data-count": of.length })];
  });
}

/** Dashes of so many lines take a second to draw: such a way is drawn thin instead. */
export function isLong({ points }: Shape): boolean {
  return points.length > DASHED_POINTS_MAX;
}

function drawShape(shape: Shape, isKeepOut: boolean): SVGElement {
  const { kind, name } = shape;
  const title = svg("title", {}, isKeepOut ? `${name}, keep-out` : name);
  const marks = { "data-keepout": isKeepOut, "data-long": isLong(shape) };
  return svg("path", { class: kind, "data-name": name, d: pathOf(shape), ...marks }, title);
}

function pathOf({ kind, points }: Shape): string {
  const [first = [0, 0], ...rest] = points.map(([x, y]) => [round(x), round(y)]);
  // A line of no length is a dot, as wide as its stroke.
  if (points.length === 1) return `M${first[0]} ${first[1]}h0`;
  const line = rest.map(([x, y]) => `L${x} ${y}`).join("");
  return `M${first[0]} ${first[1]}${line}${kind === "zone" ? "Z" : ""}`;
}

/** To a millimetre. */
function round(metres: number): number {
  return Math.round(metres * 1e3) / 1e3;
}

function drawVehicle(element: SVGElement, { vehicle }: Plane, view: View, window: Window): void {
  setAttribute(element, "visibility", vehicle === undefined ? "hidden" : undefined);
  if (vehicle === undefined) return;
  const [x, y] = toPixel(view, window, vehicle.at);
  const { at, from = at } = vehicle;
  const heading = (Math.atan2(at[0] - from[0], at[1] - from[1]) * 180) / Math.PI;
  setAttribute(element, "transform", `translate(${x} ${y}) rotate(${heading})`);
  setAttribute(element, "data-at", vehicle.name);
}

function drawLabels(into: SVGElement, plane: Plane, { view, window, keepOuts }: Seen): void {
  const placed = placeLabels(labelsOf(plane, view, window, keepOuts), window);
  into.replaceChildren(
    ...placed.map(({ text, box }) => svg("text", { x: box.x, y: box.y + LABEL_HEIGHT - 4 }, text)),
  );
}

/**
 * Areas before ways before places. The ends of legs say little, and there are many: they have their
 * names where few are to be seen.
 */
function labelsOf(
  { shapes, vehicle }: Plane,
  view: View,
  window: Window,
  keepOuts: ReadonlySet<string>,
): Label[] {
  const label = (name: string, at: Point, isCentred: boolean): Label[] => {
    const text =
      name.length > LABEL_CHARACTERS_MAX ? `${name.slice(0, LABEL_CHARACTERS_MAX - 1)}…` : name;
    const pixel = toPixel(view, window, at);
    if (text === "" || !isSeen(pixel, window)) return [];
    return [{ text, at: pixel, width: text.length * CHARACTER_WIDTH + 4, isCentred }];
  };
  const named = (kind: ShapeKind) =>
    shapes.filter((each) => each.kind === kind).slice(0, LABELS_MAX);
  const ends = new Set(ways(shapes).flatMap(({ points }) => points.map(String)));
  const isEnd = ({ points }: Shape) => ends.has(String(points[0]));
  const places = shapes.filter(({ kind, points: [at = [0, 0]] }) => {
    return kind === "point" && isSeen(toPixel(view, window, at), window);
  });
  const isFew = places.filter(isEnd).length <= ENDS_NAMED_MAX;
  return [
    ...smallestFirst(named("zone")).flatMap(({ name, points }) =>
      label(keepOuts.has(name) ? `${name} (keep-out)` : name, meanOf(points), true),
    ),
    ...named("route").flatMap(({ name, points }) =>
      label(name, points[points.length >> 1] ?? [0, 0], false),
    ),
    ...(vehicle === undefined ? [] : label(vehicle.name, vehicle.at, false)),
    ...places
      .filter((place) => place.name !== vehicle?.name && (isFew || !isEnd(place)))
      .flatMap(({ name, points: [at = [0, 0]] }) => label(name, at, false)),
  ].slice(0, LABELS_MAX);
}

/** A large zone has room for its name where the small ones in it have none. */
function smallestFirst(zones: readonly Shape[]): Shape[] {
  const width = ({ points }: Shape) => {
    const xs = points.map(([x]) => x);
    return Math.max(...xs) - Math.min(...xs);
  };
  return [...zones].sort((one, other) => width(one) - width(other));
}

function ways(shapes: readonly Shape[]): Shape[] {
  return shapes.filter(({ kind }) => kind === "planned" || kind === "track");
}

function isSeen([x, y]: Point, { width, height }: Window): boolean {
  return x >= 0 && y >= 0 && x <= width && y <= height;
}

/** Of the corners, the first of which stands at the end again. */
function meanOf(points: readonly Point[]): Point {
  const corners = points.slice(1);
  const sum = (of: 0 | 1) => corners.reduce((sofar, point) => sofar + point[of], 0);
  return [sum(0) / corners.length, sum(1) / corners.length];
}

/** What keep-outs are filled with. */
function hatch(): SVGElement {
  const line = svg("path", { d: "M-2 2 2-2M0 8 8 0M6 10 10 6", class: "hatch" });
  return svg("pattern", { id: "hatch", width: 8, height: 8, patternUnits: "userSpaceOnUse" }, line);
}
