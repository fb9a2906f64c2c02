/**
 * From GeoJSON to shapes on a plane, in metres east and north of its middle. What is no shape is left
 * out: a map shows what there is. Pure.
 */

/** Metres a degree of latitude, of a sphere of the earth's mean radius. */
const METRES_PER_DEGREE = (Math.PI / 180) * 6_371_008.8;
/** Degrees of longitude are never taken for shorter than so far from a pole: nothing divides by nothing. */
const COSINE_MIN = 1e-3;
/** What is farther off than so many metres or degrees is no place: it would leave no room for the others. */
const FARTHEST = 1e8;
/** The frame of places that say none. */
const GEOGRAPHIC = "geographic";

/** A Feature, as far as it is one. */
export interface Feature {
  readonly id?: unknown;
  readonly geometry?: { readonly type?: unknown; readonly coordinates?: unknown } | null;
  readonly properties?: Readonly<Record<string, unknown>> | null;
}
export type Point = readonly [x: number, y: number];
export type ShapeKind = "zone" | "route" | "point" | "planned" | "track";

export interface Shape {
  readonly kind: ShapeKind;
  readonly name: string;
  /** Of the object: `zone`, `coordinate`. */
  readonly type: string;
  /** One point; a line; the corners of an area, the first again at the end. */
  readonly points: readonly Point[];
}
export interface Plane {
  /** `geographic`, `local_enu` or whatever a domain calls its own. */
  readonly frame: string;
  readonly shapes: readonly Shape[];
  /** Where the vehicle was seen last, and whence it came. */
  readonly vehicle?: { readonly at: Point; readonly from?: Point; readonly name: string };
  /** What `x` and `y` are measured from: longitude and latitude, or metres. */
  readonly middle: Point;
}
interface Raw extends Shape {
  readonly frame: string;
  readonly names: readonly unknown[];
}

/** A plane for each frame that has shapes, the one with the latest track first. */
export function planesOf(features: readonly Feature[]): Plane[] {
  const raws = features.flatMap(rawShape);
  const frames = [...new Set(raws.map(({ frame }) => frame))];
  const lastTrack = raws.findLast(({ kind }) => kind === "track");
  const planes = frames.map((frame) => planeOf(frame, raws, lastTrack));
  const isFirst = ({ frame }: Plane) => (frame === lastTrack?.frame ? 0 : 1);
  return planes.sort((one, other) => isFirst(one) - isFirst(other));
}

function planeOf(frame: string, all: readonly Raw[], lastTrack: Raw | undefined): Plane {
  const raws = all.filter((each) => each.frame === frame);
  const isMetric = frame !== GEOGRAPHIC;
  const [reference = 0] = raws[0]?.points[0] ?? [];
  // Across the antimeridian longitudes go on: what lies together stays together.
  const unrolled = (x: number) => (isMetric ? x : reference + turned(x - reference));
  const xs = raws.flatMap(({ points }) => points.map(([x]) => unrolled(x)));
  const ys = raws.flatMap(({ points }) => points.map(([, y]) => y));
  const middle: Point = [middleOf(xs), middleOf(ys)];
  const perX = isMetric
    ? 1
    : METRES_PER_DEGREE * Math.max(Math.cos((middle[1] * Math.PI) / 180), COSINE_MIN);
  const perY = isMetric ? 1 : METRES_PER_DEGREE;
  const place = ([x, y]: Point): Point => [
    (unrolled(x) - middle[0]) * perX,
    (y - middle[1]) * perY,
  ];
  const shapes = raws.map(({ kind, name, type, points }) => {
    return { kind, name, type, points: points.map(place) };
  });
  const vehicle = lastTrack?.frame === frame ? vehicleOf(lastTrack, place) : undefined;
  return { frame, shapes, middle, ...(vehicle === undefined ? {} : { vehicle }) };
}

function vehicleOf({ points, names }: Raw, place: (point: Point) => Point): Plane["vehicle"] {
  const last = points.at(-1);
  if (last === undefined) return undefined;
  const from = points.findLast(([x, y]) => x !== last[0] || y !== last[1]);
  const name = names.at(-1);
  return {
    at: place(last),
    name: typeof name === "string" ? name : "",
    ...(from === undefined ? {} : { from: place(from) }),
  };
}

const KINDS: Readonly<Record<string, ShapeKind>> = {
  Point: "point",
  LineString: "route",
  Polygon: "zone",
};

function rawShape({ id, geometry, properties }: Feature): Raw[] {
  const type = typeof geometry?.type === "string" ? geometry.type : "";
  const shape = KINDS[type];
  if (shape === undefined) return [];
  const told = properties ?? {};
  const { coordinates } = geometry ?? {};
  const listed =
    shape === "point" ? [coordinates] : shape === "zone" ? ring(coordinates) : coordinates;
  const points = Array.isArray(listed) ? listed.flatMap(pointOf) : [];
  if (points.length < (shape === "point" ? 1 : 2)) return [];
  const kind = told.kind === "track" || told.kind === "planned" ? told.kind : shape;
  return [
    {
      kind,
      name: text(told.name) || text(id),
      type: text(told.type),
      points,
      frame: text(told.coordinate_frame) || GEOGRAPHIC,
      names: Array.isArray(told.names) ? told.names : [],
    },
  ];
}

/** The outer one: inner ones would be holes, which no object has. */
function ring(coordinates: unknown): unknown {
  return Array.isArray(coordinates) ? coordinates[0] : undefined;
}

function pointOf(value: unknown): Point[] {
  if (!Array.isArray(value)) return [];
  const [x, y] = value as readonly unknown[];
  return isNear(x) && isNear(y) ? [[x, y]] : [];
}

function isNear(value: unknown): value is number {
  return typeof value === "number" && Math.abs(value) <= FARTHEST;
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** The same direction, between -180 and 180. */
function turned(degrees: number): number {
  return degrees - 360 * Math.round(degrees / 360);
}

function middleOf(values: readonly number[]): number {
  let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of values) {
    least = Math.min(least, value);
    most = Math.max(most, value);
  }
  return least > most ? 0 : least / 2 + most / 2;
}
