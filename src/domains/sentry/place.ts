/** A coordinate as a place: what it says, and when two say the same. */
import type { ObjectDef } from "../../core/domain.ts";

export const FRAMES = ["geographic", "local_enu"] as const;
export type FrameName = (typeof FRAMES)[number];

/** Longitude and latitude in degrees, or metres east and north: `x` is what runs east. */
export interface Place {
  readonly frame: FrameName;
  readonly x: number;
  readonly y: number;
}

/** The frame by its name; `geographic` when none is given; undefined when there is no such frame. */
export function frameNamed(name: unknown): FrameName | undefined {
  if (name === undefined || name === null || name === "WGS84") return "geographic";
  return FRAMES.find((frame) => frame === name);
}

/** The place of a coordinate; undefined when it does not say where it is. */
export function placeOf({ fields }: ObjectDef): Place | undefined {
  const frame = frameNamed(fields.coordinate_frame);
  const { longitude: x, latitude: y } = fields;
  if (frame === undefined || !isNumber(x) || !isNumber(y)) return undefined;
  return { frame, x: frame === "geographic" ? wrapped(x) : x, y };
}

/** The same for two coordinates at the same place and height; undefined for all else. */
export function placeKey(object: ObjectDef): string | undefined {
  const place = object.type === "coordinate" ? placeOf(object) : undefined;
  if (place === undefined) return undefined;
  const { altitude = null, depth = null } = object.fields;
  return JSON.stringify([place.frame, place.x, place.y, altitude, depth]);
}

/** The same meridian has one longitude, from -180 up to 180. */
export function wrapped(longitude: number): number {
  if (longitude >= -180 && longitude < 180) return longitude;
  return longitude - 360 * Math.floor((longitude + 180) / 360);
}

function isNumber(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value);
}
