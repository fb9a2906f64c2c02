/** Zones and routes as they are needed: read from their fields, refused with what is wrong. */
import type { ObjectDef, Scene } from "../../core/domain.ts";
import { ServantError } from "../../core/errors.ts";
import type { Json } from "../../core/json.ts";
import { type Frame, frameAround, HORIZON_M } from "./frame.ts";
import { PATTERNS, type Pattern } from "./geometry/order.ts";
import { type Box, boxOf, crossing, lengthOf, type Ring, signedArea } from "./geometry/plane.ts";
import { lineCount, TRACKS_MAX } from "./geometry/tracks.ts";
import { FRAMES, type FrameName, frameNamed, type Place, placeOf } from "./place.ts";

/** Corners of a zone, or waypoints of a route. */
export const POINTS_MAX = 1_000;
/** Half of how far across a surveyed zone may be: see `frame.ts`. */
export const SURVEY_REACH_M = 200_000;
/** Half of how far across a keep-out may be. */
export const KEEP_OUT_REACH_M = 2_000_000;

/** A polygon with less area than this, of the square of its edges together, is a line. */
const FLAT = 1e-12;

/** Says what cannot be done, and why: `Cannot survey "site": its coverage_width is 0`. */
export type Refuse = (reason: string) => ServantError;

export function refusing(what: string, { name }: ObjectDef): Refuse {
  return (reason) => new ServantError("object.invalid", `Cannot ${what} "${name}": ${reason}`);
}

/** A polygon on a plane of its own. */
export interface Area {
  readonly frameName: FrameName;
  readonly frame: Frame;
  readonly ring: Ring;
  readonly box: Box;
  readonly corners: readonly Place[];
}

/** @throws {ServantError} `object.invalid`: there is no such polygon. */
export function areaOf(zone: ObjectDef, scene: Scene, reachMaxM: number, refuse: Refuse): Area {
  const given = placesIn(zone, "vertices", scene, refuse);
  const corners = given.filter((place, index) => {
    const before = given.at(index - 1) as Place;
    return given.length === 1 || place.x !== before.x || place.y !== before.y;
  });
  if (corners.length < 3)
    throw refuse(`it has ${corners.length} different vertices, not 3 or more`);
  const frame = frameAround(corners);
  const points = corners.map((corner) => frame.toPlane(corner));
  const ring = points.filter((point) => point !== undefined);
  const [west, south, east, north] = boxOf(ring);
  if (ring.length < points.length || Math.hypot(east - west, north - south) > 2 * reachMaxM) {
    throw refuse(`it is more than ${(2 * reachMaxM) / 1_000} km across`);
  }
  const crossed = crossing(ring);
  if (crossed !== undefined) {
    const [one, other] = crossed.map((edge) => `${edge + 1}`);
    throw refuse(`its edges ${one} and ${other} cross or touch each other`);
  }
  if (Math.abs(signedArea(ring)) <= FLAT * lengthOf([...ring, ...ring.slice(0, 1)]) ** 2)
    throw refuse("its vertices are on one line");
  const frameName = corners[0]?.frame ?? "geographic";
  return { frameName, frame, ring, box: boxOf(ring), corners };
}

/** What a survey of a zone needs. */
export interface SurveyArea extends Area {
  readonly width: number;
  readonly robotWidth: number;
  /** Metres a second; undefined when the zone does not say. */
  readonly speed: number | undefined;
  readonly angle: number;
  readonly pattern: Pattern;
}

/** @throws {ServantError} `object.invalid`: it cannot be surveyed as it is. */
export function surveyAreaOf(zone: ObjectDef, scene: Scene): SurveyArea {
  const refuse = refusing("survey", zone);
  const { coordinate_frame, coverage_width, robot_width, speed, angle, pattern } = zone.fields;
  if (coordinate_frame === undefined || coordinate_frame === null) {
    throw refuse(`it has no coordinate_frame (${FRAMES.join(" or ")})`);
  }
  const width = positive("coverage_width", coverage_width, refuse);
  const robotWidth = positive("robot_width", robot_width, refuse);
  const spec = {
    width,
    robotWidth,
    speed: isAbsent(speed) ? undefined : positive("speed", speed, refuse),
    angle: isAbsent(angle) ? 0 : finite("angle", angle, refuse) % 360,
    pattern: patternOf(pattern, refuse),
  };
  const area = areaOf(zone, scene, SURVEY_REACH_M, refuse);
  const lines = lineCount(area.ring, spec);
  if (lines > TRACKS_MAX) {
    const most = `at most ${TRACKS_MAX} can be planned`;
    throw refuse(`a coverage_width of ${width} m makes ${lines} tracks, ${most}`);
  }
  return { ...area, ...spec };
}

/** @throws {ServantError} `object.invalid`: nothing can be kept out of it as it is. */
export function keepOutArea(zone: ObjectDef, scene: Scene): Area {
  const known = keepOuts.get(zone);
  if (known !== undefined) return known;
  const area = areaOf(zone, scene, KEEP_OUT_REACH_M, refusing("keep out of", zone));
  const { vertices } = zone.fields;
  const isWhole = Array.isArray(vertices) && vertices.every((each) => typeof each !== "string");
  if (isWhole) keepOuts.set(zone, area); // a coordinate it names may move
  return area;
}

/** A planner asks of every leg that it might use. */
const keepOuts = new WeakMap<ObjectDef, Area>();

/** @throws {ServantError} `object.invalid`: it has no waypoints. */
export function waypointsOf(route: ObjectDef, scene: Scene): readonly Place[] {
  const refuse = refusing("follow", route);
  const waypoints = placesIn(route, "waypoints", scene, refuse);
  if (waypoints.length === 0) throw refuse("it has no waypoints");
  return waypoints;
}

/**
 * What a zone says is to make sense, as soon as it says it. Corners that are named are looked at when
 * they are needed: they may be made later, and moved.
 *
 * @throws {ServantError} `object.invalid`
 */
export function checkZone(zone: ObjectDef): void {
  const refuse = refusing("use zone", zone);
  const { coordinate_frame, vertices, pattern } = zone.fields;
  for (const name of ["coverage_width", "robot_width", "speed"]) {
    const value = zone.fields[name];
    if (!isAbsent(value)) positive(name, value, refuse);
  }
  patternOf(pattern, refuse);
  if (isAbsent(vertices) || (Array.isArray(vertices) && vertices.length === 0)) return;
  if (Array.isArray(vertices) && vertices.some((each) => typeof each === "string")) return;
  // Without a frame they are judged as they look on paper.
  const frame = isAbsent(coordinate_frame) ? { coordinate_frame: "local_enu" } : {};
  const framed = { ...zone, fields: { ...zone.fields, ...frame } };
  areaOf(framed, NOWHERE, KEEP_OUT_REACH_M, refuse);
}

const NOWHERE: Scene = { objects: [], state: new Set(), object: () => undefined };

/** Every keep-out of the scene. */
export function keepOutsIn({ objects, state }: Scene): ObjectDef[] {
  return objects.filter(
    ({ name, type }) => type === "zone" && (state as ReadonlySet<string>).has(`no_entry(${name})`),
  );
}

/** The polygon on another plane; undefined when it is beyond the horizon there. */
export function ringOn(frame: Frame, { corners }: Area, refuse: Refuse): Ring | undefined {
  const points = corners.map((corner) => frame.toPlane(corner));
  const near = points.filter((point) => point !== undefined);
  if (near.length === points.length) return near;
  if (near.length === 0) return undefined;
  throw refuse(`it is in part more than ${HORIZON_M / 1_000} km away`);
}

function placesIn(
  object: ObjectDef,
  field: "vertices" | "waypoints",
  scene: Scene,
  refuse: Refuse,
): Place[] {
  const frame = frameNamed(object.fields.coordinate_frame);
  if (frame === undefined) {
    const given = JSON.stringify(object.fields.coordinate_frame).slice(0, 50);
    throw refuse(`its coordinate_frame is ${given}, not ${FRAMES.join(" or ")}`);
  }
  const items = object.fields[field] ?? [];
  if (!Array.isArray(items)) throw refuse(`its ${field} are no list`);
  if (items.length > POINTS_MAX) throw refuse(`it has more than ${POINTS_MAX} ${field}`);
  return items.map((item: Json, index) => {
    const place = placeIn(item, frame, scene);
    if (place !== undefined && place.frame === frame) return place;
    const wanted = frame === "geographic" ? "[lon, lat] in degrees" : "[east, north] in metres";
    const given = (JSON.stringify(item) ?? "nothing").slice(0, 50);
    throw refuse(`number ${index + 1} of its ${field} is ${given}, not ${wanted}`);
  });
}

/** From a pair, a coordinate with its fields, or the name of one. */
function placeIn(item: Json, frame: FrameName, scene: Scene): Place | undefined {
  const known = typeof item === "string" ? scene.object(item) : undefined;
  const pair = Array.isArray(item) && item.length >= 2 ? item : undefined;
  const fields =
    pair === undefined
      ? (known?.fields ?? item)
      : { longitude: pair[0] ?? null, latitude: pair[1] ?? null };
  if (typeof fields !== "object" || fields === null || Array.isArray(fields)) return undefined;
  const place = placeOf({
    name: "",
    type: "coordinate",
    fields: { coordinate_frame: frame, ...(fields as ObjectDef["fields"]) },
  });
  return place === undefined || !isOnEarth(place, fields as ObjectDef["fields"])
    ? undefined
    : place;
}

function isOnEarth({ frame, y }: Place, { longitude }: ObjectDef["fields"]): boolean {
  return frame === "local_enu" || (Math.abs(y) <= 90 && Math.abs(longitude as number) <= 360);
}

function patternOf(given: Json | undefined, refuse: Refuse): Pattern {
  if (isAbsent(given) || given === "") return "Boustrophedon";
  const named = String(given).toLowerCase();
  const pattern = PATTERNS.find((each) => each.toLowerCase() === named);
  if (pattern !== undefined) return pattern;
  throw refuse(`its pattern is ${JSON.stringify(given).slice(0, 50)}, not ${PATTERNS.join(", ")}`);
}

function positive(name: string, value: Json | undefined, refuse: Refuse): number {
  const number = finite(name, value, refuse);
  if (number > 0) return number;
  throw refuse(`its ${name} is ${number}, not above 0`);
}

function finite(name: string, value: Json | undefined, refuse: Refuse): number {
  if (typeof value === "number" && Number.isFinite(value)) return value;
  throw refuse(
    isAbsent(value) ? `it has no ${name}` : `its ${name} is ${String(value)}, no number`,
  );
}

function isAbsent(value: Json | undefined): value is null | undefined {
  return value === undefined || value === null;
}
