/**
 * The world as GeoJSON (RFC 7946): objects that say where they are, and the track. What an object
 * says is told by its fields, whatever its type: `latitude` and `longitude` are a point, `vertices`
 * a polygon, `waypoints` a line; a corner is `[longitude, latitude]` or the name of a point.
 */
import type { ObjectDef } from "../core/domain.ts";
import type { Json, JsonObject } from "../core/json.ts";
import type { Position } from "./track.ts";

type Pair = readonly [number, number];
type Find = (name: string) => ObjectDef | undefined;

/** A FeatureCollection: the objects in their order, then the track, one line for each frame of it. */
export function asGeoJson(
  objects: readonly ObjectDef[],
  find: Find,
  track: readonly Position[],
): JsonObject {
  const features = objects.flatMap((object) => {
    const geometry = geometryOf(object, find);
    return geometry === undefined ? [] : [featureOf(object, geometry)];
  });
  return { type: "FeatureCollection", features: [...features, ...stretches(track).map(lineOf)] };
}

function featureOf({ name, type, fields, parent }: ObjectDef, geometry: JsonObject): JsonObject {
  const { vertices: _corners, waypoints: _points, ...values } = fields;
  const whose = parent === undefined ? {} : { parent };
  const properties = { ...values, kind: "object", name, type, ...whose };
  return { type: "Feature", id: name, geometry, properties };
}

function geometryOf({ fields }: ObjectDef, find: Find): JsonObject | undefined {
  const { latitude, longitude, vertices, waypoints, coordinate_frame: frame = null } = fields;
  const point = pairOf([longitude ?? null, latitude ?? null]);
  if (point !== undefined) {
    return areOnEarth([point], frame ?? "geographic")
      ? { type: "Point", coordinates: point }
      : undefined;
  }
  const corners = pairsOf(vertices, find);
  if (!areOnEarth(corners ?? [], frame)) return undefined;
  if (corners !== undefined && corners.length >= 3) {
    return { type: "Polygon", coordinates: [ringOf(corners)] };
  }
  const points = pairsOf(waypoints, find);
  if (points === undefined || points.length < 2 || !areOnEarth(points, frame)) return undefined;
  return { type: "LineString", coordinates: points };
}

/** Undefined when it is no list, or one of its places is none. */
function pairsOf(value: Json | undefined, find: Find): Pair[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const pairs = value.map((each: Json) => {
    if (typeof each !== "string") return pairOf(each);
    const { longitude, latitude } = find(each)?.fields ?? {};
    return pairOf([longitude ?? null, latitude ?? null]);
  });
  return pairs.every((pair) => pair !== undefined) ? pairs : undefined;
}

function pairOf(value: Json): Pair | undefined {
  if (!Array.isArray(value)) return undefined;
  const [x, y] = value;
  return isNumber(x) && isNumber(y) ? [x, y] : undefined;
}

/** Degrees where it is said that they are: what is beyond a pole would break a map. */
function areOnEarth(pairs: readonly Pair[], frame: Json): boolean {
  if (frame !== "geographic") return true;
  return pairs.every(([x, y]) => Math.abs(x) <= 360 && Math.abs(y) <= 90);
}

/** Closed, and counterclockwise as the standard has it. */
function ringOf(corners: readonly Pair[]): Pair[] {
  const [first = [0, 0]] = corners;
  const last = corners.at(-1) ?? first;
  const isClosed = first[0] === last[0] && first[1] === last[1];
  const ring = isClosed ? [...corners] : [...corners, first];
  const area = ring.reduce((sum, [x, y], index) => {
    const [nextX, nextY] = ring[index + 1] ?? first;
    return sum + (x * nextY - nextX * y);
  }, 0);
  return area < 0 ? ring.reverse() : ring;
}

/** Positions of one frame that follow each other: between two frames there is no line. */
function stretches(track: readonly Position[]): Position[][] {
  const all: Position[][] = [];
  for (const position of track) {
    const open = all.at(-1);
    if (open?.[0]?.frame === position.frame) open.push(position);
    else all.push([position]);
  }
  return all;
}

function lineOf(stretch: readonly Position[], index: number): JsonObject {
  const coordinates = stretch.map(({ longitude, latitude }) => [longitude, latitude]);
  const isPoint = coordinates.length === 1;
  return {
    type: "Feature",
    id: `track:${index + 1}`,
    geometry: isPoint
      ? { type: "Point", coordinates: coordinates[0] ?? [] }
      : { type: "LineString", coordinates },
    properties: {
      kind: "track",
      coordinate_frame: stretch[0]?.frame ?? null,
      names: stretch.map(({ name }) => name),
      times: stretch.map(({ atMs }) => atMs / 1_000),
    },
  };
}

function isNumber(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value);
}
