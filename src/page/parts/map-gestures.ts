/** Moving and zooming by mouse, wheel, fingers and keys. */
import type { Point } from "./map-shapes.ts";

export interface Gestures {
  readonly move: (byX: number, byY: number) => void;
  /** Around a pixel of the field, or its middle. */
  readonly zoom: (factor: number, at?: Point) => void;
  readonly fit: () => void;
}

/** How far an arrow key moves, in pixels. */
const KEY_PIXELS = 60;
const KEY_ZOOM = 1.5;
/** A wheel's notch is a hundred or so of its units. */
const WHEEL_ZOOM = 1.0018;

export function mapGestures(field: HTMLElement, { move, zoom, fit }: Gestures): void {
  const fingers = new Map<number, Point>();
  const inField = ({ clientX, clientY }: MouseEvent): Point => {
    const { left, top } = field.getBoundingClientRect();
    return [clientX - left, clientY - top];
  };
  field.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    fingers.set(event.pointerId, inField(event));
    field.setPointerCapture(event.pointerId);
  });
  field.addEventListener("pointermove", (event) => {
    const before = fingers.get(event.pointerId);
    if (before === undefined) return;
    const now = inField(event);
    const others = [...fingers].flatMap(([id, at]) => (id === event.pointerId ? [] : [at]));
    fingers.set(event.pointerId, now);
    const [other] = others;
    if (other === undefined) move(now[0] - before[0], now[1] - before[1]);
    else pinch(other, before, now, { move, zoom });
  });
  const lift = ({ pointerId }: PointerEvent) => fingers.delete(pointerId);
  field.addEventListener("pointerup", lift);
  field.addEventListener("pointercancel", lift);
  field.addEventListener("lostpointercapture", lift);
  field.addEventListener(
    "wheel",
    (event) => {
      event.preventDefault();
      zoom(WHEEL_ZOOM ** -event.deltaY, inField(event));
    },
    { passive: false },
  );
  field.addEventListener("dblclick", (event) => zoom(KEY_ZOOM * KEY_ZOOM, inField(event)));
  const keys: Readonly<Record<string, () => void>> = {
    ArrowLeft: () => move(KEY_PIXELS, 0),
    ArrowRight: () => move(-KEY_PIXELS, 0),
    ArrowUp: () => move(0, KEY_PIXELS),
    ArrowDown: () => move(0, -KEY_PIXELS),
    "+": () => zoom(KEY_ZOOM),
    "=": () => zoom(KEY_ZOOM),
    "-": () => zoom(1 / KEY_ZOOM),
    "0": fit,
  };
  field.addEventListener("keydown", (event) => {
    const act = keys[event.key];
    if (act === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    act();
  });
}

/** One finger rests and one moves: what is between them goes along and grows. */
function pinch(
  resting: Point,
  before: Point,
  now: Point,
  { move, zoom }: Pick<Gestures, "move" | "zoom">,
): void {
  const apart = (point: Point) => Math.hypot(point[0] - resting[0], point[1] - resting[1]);
  move((now[0] - before[0]) / 2, (now[1] - before[1]) / 2);
  if (apart(before) < 1) return;
  zoom(apart(now) / apart(before), [(now[0] + resting[0]) / 2, (now[1] + resting[1]) / 2]);
}
