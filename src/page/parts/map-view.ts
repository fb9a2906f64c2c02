/** What part of a plane is seen in a window, and what stands where in it. Pixels go down, metres north. */
import type { Plane, Point } from "./map-shapes.ts";

export interface Window {
  readonly width: number;
  readonly height: number;
}
export interface View {
  /** What is in the middle of the window, in metres. */
  readonly middle: Point;
  readonly metresPerPixel: number;
}
export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** Pixels around what is fitted, for labels. */
const MARGIN = 44;
/** A single point is seen with so many metres around it. */
const LEAST_METRES = 20;
const METRES_PER_PIXEL_MIN = 1e-3;
const METRES_PER_PIXEL_MAX = 1e5;

/** All of the plane, as large as it gets. */
export function fitted({ shapes }: Pick<Plane, "shapes">, window: Window): View {
  let [west, south, east, north] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const { points } of shapes) {
    for (const [x, y] of points) {
      [west, east] = [Math.min(west, x), Math.max(east, x)];
      [south, north] = [Math.min(south, y), Math.max(north, y)];
    }
  }
  if (west > east) return { middle: [0, 0], metresPerPixel: 1 };
  const across = Math.max(east - west, LEAST_METRES);
  const up = Math.max(north - south, LEAST_METRES);
  const room = (pixels: number) => Math.max(pixels - 2 * MARGIN, 40);
  return {
    middle: [(west + east) / 2, (south + north) / 2],
    metresPerPixel: clamped(Math.max(across / room(window.width), up / room(window.height))),
  };
}

export function toPixel({ middle, metresPerPixel }: View, window: Window, [x, y]: Point): Point {
  return [
    window.width / 2 + (x - middle[0]) / metresPerPixel,
    window.height / 2 - (y - middle[1]) / metresPerPixel,
  ];
}

/** `factor` times as near; what is under the pixel `at` stays under it. */
export function zoomed(view: View, window: Window, factor: number, at: Point): View {
  const metresPerPixel = clamped(view.metresPerPixel / factor);
  const grown = view.metresPerPixel - metresPerPixel;
  const [fromMiddleX, fromMiddleY] = [at[0] - window.width / 2, window.height / 2 - at[1]];
  return {
    middle: [view.middle[0] + fromMiddleX * grown, view.middle[1] + fromMiddleY * grown],
    metresPerPixel,
  };
}

/** As if the plane were drawn along by so many pixels. */
export function moved({ middle, metresPerPixel }: View, byX: number, byY: number): View {
  return {
    middle: [middle[0] - byX * metresPerPixel, middle[1] + byY * metresPerPixel],
    metresPerPixel,
  };
}

export interface Scale {
  readonly metres: number;
  readonly pixels: number;
  /** `50 m`, `2 km` */
  readonly text: string;
}

/** The longest bar of 1, 2 or 5 times a power of ten that is at most so many pixels long. */
export function scaleBar(metresPerPixel: number, pixelsMax: number): Scale {
  const metresMax = metresPerPixel * pixelsMax;
  const power = 10 ** Math.floor(Math.log10(metresMax));
  const metres = [5, 2, 1].map((each) => each * power).find((each) => each <= metresMax) ?? power;
  return { metres, pixels: metres / metresPerPixel, text: lengthText(metres) };
}

function lengthText(metres: number): string {
  if (metres >= 1_000) return `${Number((metres / 1_000).toPrecision(3))} km`;
  if (metres >= 1) return `${Number(metres.toPrecision(3))} m`;
  return metres >= 0.01
    ? `${Number((metres * 100).toPrecision(3))} cm`
    : `${Number((metres * 1_000).toPrecision(3))} mm`;
}

export interface Label {
  readonly text: string;
  /** Pixels of what it names. */
  readonly at: Point;
  readonly width: number;
  /** Over what it names, instead of beside it. */
  readonly isCentred?: boolean;
}
export interface PlacedLabel {
  readonly text: string;
  readonly box: Box;
}

export const LABEL_HEIGHT = 15;
const GAP = 7;

/**
 * Where labels go, the first ones first: none upon another, none out of the window. One for which
 * there is no room is left out.
 */
export function placeLabels(labels: readonly Label[], window: Window): PlacedLabel[] {
  const placed: PlacedLabel[] = [];
  for (const label of labels) {
    const box = boxesFor(label).find(
      (each) => isInside(each, window) && !placed.some((other) => overlap(each, other.box)),
    );
    if (box !== undefined) placed.push({ text: label.text, box });
  }
  return placed;
}

function boxesFor({ at: [x, y], width, isCentred = false }: Label): Box[] {
  const box = (left: number, top: number): Box => ({
    ...{ x: left, y: top, width, height: LABEL_HEIGHT },
  });
  const middle = y - LABEL_HEIGHT / 2;
  const [above, below] = [y - GAP - LABEL_HEIGHT, y + GAP];
  const around = [
    box(x + GAP, middle),
    box(x - GAP - width, middle),
    box(x - width / 2, above),
    box(x - width / 2, below),
  ];
  return isCentred ? [box(x - width / 2, middle), ...around] : around;
}

function isInside({ x, y, width, height }: Box, window: Window): boolean {
  return x >= 0 && y >= 0 && x + width <= window.width && y + height <= window.height;
}

export function overlap(one: Box, other: Box): boolean {
  return (
    one.x < other.x + other.width &&
    other.x < one.x + one.width &&
    one.y < other.y + other.height &&
    other.y < one.y + one.height
  );
}

function clamped(metresPerPixel: number): number {
  return Math.min(Math.max(metresPerPixel, METRES_PER_PIXEL_MIN), METRES_PER_PIXEL_MAX);
}
