/**
 * A plane of metres for a part of the Earth. The projection is gnomonic: the shortest way between
 * two points is a straight line in every such plane, so that whether a leg enters a zone does not
 * depend on whose plane is asked. Lengths are true in the middle and 0.1 % too long 200 km away.
 */
import { bearing } from "@turf/bearing";
import { destination } from "@turf/destination";
import { distance } from "@turf/distance";
import type { Point } from "./geometry/plane.ts";
import { type Place, wrapped } from "./place.ts";

/** The Earth's radius as turf has it. */
const EARTH_M = 6_371_008.8;
/** Beyond this many metres from its middle a plane says nothing. */
export const HORIZON_M = 5_000_000;
/** Positions are rounded to about a tenth of a millimetre: nobody flies better. */
const DEGREE_DIGITS = 9;
const METRE_DIGITS = 4;

export interface Frame {
  /** Undefined of what is beyond the horizon. */
  toPlane(place: Pick<Place, "x" | "y">): Point | undefined;
  toPlace(point: Point): Place;
}

/** Metres as they are. */
export const localFrame: Frame = {
  toPlane: ({ x, y }) => [x, y],
  toPlace: ([x, y]) => ({
    frame: "local_enu",
    x: rounded(x, METRE_DIGITS),
    y: rounded(y, METRE_DIGITS),
  }),
};

/** The plane that touches the Earth at a longitude and latitude. */
export function geographicFrame(middle: readonly [lon: number, lat: number]): Frame {
  const origin = [...middle];
  return {
    toPlane({ x, y }) {
      const away = distance(origin, [x, y], { units: "meters" });
      if (away === 0) return [0, 0];
      if (away > HORIZON_M) return undefined;
      const towards = (bearing(origin, [x, y]) * Math.PI) / 180;
      const radius = EARTH_M * Math.tan(away / EARTH_M);
      return [radius * Math.sin(towards), radius * Math.cos(towards)];
    },
    toPlace([x, y]) {
      const away = EARTH_M * Math.atan(Math.hypot(x, y) / EARTH_M);
      const towards = (Math.atan2(x, y) * 180) / Math.PI;
      const { coordinates } = destination(origin, away, towards, { units: "meters" }).geometry;
      const [lon = 0, lat = 0] = coordinates;
      return {
        frame: "geographic",
        x: wrapped(rounded(lon, DEGREE_DIGITS)),
        y: rounded(lat, DEGREE_DIGITS),
      };
    },
  };
}

/** The frame in whose middle these places are. */
export function frameAround(places: readonly Place[]): Frame {
  return places[0]?.frame === "local_enu" ? localFrame : geographicFrame(middleOf(places));
}

/** Metres between two places of one frame, along the Earth; undefined of two frames. */
export function metresBetween(from: Place, to: Place): number | undefined {
  if (from.frame !== to.frame) return undefined;
  if (from.frame === "local_enu") return Math.hypot(to.x - from.x, to.y - from.y);
  return distance([from.x, from.y], [to.x, to.y], { units: "meters" });
}

/** As vectors: degrees have no middle across the antimeridian, and none at a pole. */
function middleOf(places: readonly Place[]): [lon: number, lat: number] {
  const sum = [0, 0, 0];
  for (const { x, y } of places) {
    const [lon, lat] = [(x * Math.PI) / 180, (y * Math.PI) / 180];
    const vector = [Math.cos(lat) * Math.cos(lon), Math.cos(lat) * Math.sin(lon), Math.sin(lat)];
    for (const [axis, value] of vector.entries()) sum[axis] = (sum[axis] ?? 0) + value;
  }
  const [a = 0, b = 0, c = 0] = sum;
  return [(Math.atan2(b, a) * 180) / Math.PI, (Math.atan2(c, Math.hypot(a, b)) * 180) / Math.PI];
}

function rounded(value: number, digits: number): number {
  const factor = 10 ** digits;
  return Math.round(value * factor) / factor + 0; // never -0
}
