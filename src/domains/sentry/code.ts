/**
 * What the Sentry's transitions come to on the ground: what they cost, the legs they are made of,
 * whether they enter a keep-out. Read when it is first needed: geometry and geodesy take their time.
 */
import type { Legs, ObjectDef, Scene, StepDef } from "../../core/domain.ts";
import { ServantError } from "../../core/errors.ts";
import type { Pieces } from "../../core/pieces.ts";
import { type Frame, frameAround, metresBetween } from "./frame.ts";
import { flightOver } from "./geometry/flight.ts";
import {
  comesNear,
  isApart,
  lengthOf,
  type Point,
  type Ring,
  signedArea,
} from "./geometry/plane.ts";
import { TRACKS_MAX, tracksOver } from "./geometry/tracks.ts";
import { Ways } from "./geometry/way.ts";
import { legsThrough } from "./legs.ts";
import { endedAt } from "./names.ts";
import { type Place, placeOf } from "./place.ts";
import { whereabouts } from "./position.ts";
import {
  type Area,
  keepOutArea,
  keepOutsIn,
  refusing,
  ringOn,
  surveyAreaOf,
  waypointsOf,
} from "./zone.ts";

export { checkZone } from "./zone.ts";

/** Metres a second where nothing says how fast: what the vehicle does over ground. */
export const SPEED_M_S = 1;
/** Ways stay this far from a keep-out beside half the robot's width, in metres. */
const MARGIN_M = 0.05;
/** Corners that all keep-outs of one survey may have: seconds of work, of a server that waits. */
export const KEEP_OUT_CORNERS_MAX = 1_000;
/** A leg that is nearer than this to a keep-out enters it, in metres: more than rounding makes. */
const TOUCH_M = 0.01;

/** The whole way of a survey, on a plane of its own. */
export interface SurveyFlight {
  readonly frame: Frame;
  /** False when it begins at its first track, for nothing tells where the vehicle is. */
  readonly isFromHere: boolean;
  readonly legs: readonly { readonly from: Point; readonly to: Point; readonly isTrack: boolean }[];
}

/**
 * The way over a zone from where the vehicle is.
 *
 * @throws {ServantError} `object.invalid` when the zone or a keep-out is no polygon or lacks what a
 *   survey needs, `step.keep-out` when keep-outs leave nothing to survey, or no way.
 */
export function* surveyFlight(zone: ObjectDef, scene: Scene): Pieces<SurveyFlight> {
  const { area, keepOuts } = groundOf(zone, scene);
  const { frame, ring, robotWidth } = area;
  const clearance = robotWidth / 2 + MARGIN_M;
  const lines = yield* tracksOver(ring, { ...area, keepOuts, clearance });
  const here = hereIn(area, scene);
  const count = lines.reduce((sum, line) => sum + line.length, 0);
  if (count === 0) throw keptOut(zone, "keep-outs leave nothing of it");
  if (count > TRACKS_MAX) {
    throw keptOut(
      zone,
      `its keep-outs cut it into ${count} tracks, at most ${TRACKS_MAX} can be flown`,
    );
  }
  const ways = new Ways(keepOuts, clearance);
  const flight = yield* flightOver(lines, area.pattern, ways, here);
  if (flight === undefined) {
    throw keptOut(zone, "there is no way round the keep-outs to each of its tracks");
  }
  let from = flight.start;
  const legs = flight.legs.map(({ to, isTrack }) => {
    const leg = { from, to, isTrack };
    from = to;
    return leg;
  });
  return { frame, isFromHere: here !== undefined, legs };
}

export function* surveyScript({ parameters }: StepDef, scene: Scene): Pieces<Legs> {
  const zone = needed(scene, parameters.zone);
  const { frame, isFromHere, legs } = yield* surveyFlight(zone, scene);
  const points = [...(isFromHere ? [] : legs.slice(0, 1).map(({ from }) => from))];
  for (const { to } of legs) points.push(to);
  return legsThrough(
    zone,
    points.map((point) => frame.toPlace(point)),
    scene,
  );
}

/** Through the waypoints from the nearer end; the way to it goes round keep-outs, the route does not. */
export function* routeScript({ parameters }: StepDef, scene: Scene): Pieces<Legs> {
  const route = needed(scene, parameters.route);
  const waypoints = waypointsOf(route, scene);
  const here = placeNow(scene);
  const [first, last] = [waypoints[0] as Place, waypoints.at(-1) as Place];
  const isBackwards =
    here !== undefined && (metresBetween(here, last) ?? 0) < (metresBetween(here, first) ?? 0);
  const onwards = isBackwards ? [...waypoints].reverse() : waypoints;
  for (const zone of keepOutsIn(scene)) {
    if (!doesRouteEnter(waypoints, zone, scene)) continue;
    throw new ServantError(
      "step.keep-out",
      `Cannot follow "${route.name}": it enters "${zone.name}", of which no_entry holds`,
    );
  }
  const way = yield* wayTo(onwards[0] as Place, route, scene);
  return legsThrough(route, [...way, ...onwards], scene);
}

/** The points that lead round keep-outs from where the vehicle is to a place. */
function* wayTo(to: Place, route: ObjectDef, scene: Scene): Pieces<Place[]> {
  const here = placeNow(scene);
  if (here === undefined || here.frame !== to.frame) return [];
  const frame = frameAround([here, to]);
  const [from, end] = [frame.toPlane(here), frame.toPlane(to)];
  if (from === undefined || end === undefined) return [];
  const keepOuts = keepOutsOn({ frame, frameName: to.frame }, scene, route);
  const between = yield* new Ways(keepOuts, MARGIN_M).between(from, end);
  if (between === undefined) throw keptOut(route, "there is no way round the keep-outs to it");
  return between.map((point) => frame.toPlace(point));
}

/** Seconds: of a leg, the time it takes at the usual speed; one from an unknown place costs nothing. */
export function legCost({ parameters }: StepDef, scene: Scene): number {
  return costOf(() => secondsBetween(parameters, scene));
}

/**
 * Seconds that the tracks of a survey take, by the area: a planner asks of many that it never flies.
 * The way there counts where a planner says from where to where.
 */
export function surveyCost({ parameters }: StepDef, scene: Scene): number {
  return costOf(
    () => outlineOf(scene, parameters.zone).seconds + secondsBetween(parameters, scene),
  );
}

/** Seconds that a route takes, the way to it included as with a survey. */
export function routeCost({ parameters }: StepDef, scene: Scene): number {
  return costOf(
    () => outlineOf(scene, parameters.route).seconds + secondsBetween(parameters, scene),
  );
}

function secondsBetween({ start, end }: StepDef["parameters"], scene: Scene): number {
  const [from, to] = [placeAbout(scene, start), placeAbout(scene, end)];
  if (from === undefined || to === undefined) return 0;
  return (metresBetween(from, to) ?? 0) / SPEED_M_S;
}

/** Where a place is; of the end of a survey or route that is yet to be flown: about where. */
function placeAbout(scene: Scene, name: string | undefined): Place | undefined {
  const flown = endedAt(name);
  return flown === undefined ? placeNamed(scene, name) : outlineOf(scene, flown).amid;
}

/** A zone or route as far as costs go. */
interface Outline {
  readonly seconds: number;
  /** The mean of its corners. */
  readonly amid: Place;
}

/** A planner asks of each together with every place; a scene does not change. */
const outlines = new WeakMap<Scene, Map<string, Outline>>();

function outlineOf(scene: Scene, name = ""): Outline {
  const known = outlines.get(scene) ?? new Map<string, Outline>();
  outlines.set(scene, known);
  const outline = known.get(name) ?? outlined(needed(scene, name), scene);
  known.set(name, outline);
  return outline;
}

function outlined(flown: ObjectDef, scene: Scene): Outline {
  if (flown.type === "zone") {
    const { frame, ring, width, speed = SPEED_M_S } = surveyAreaOf(flown, scene);
    return { seconds: Math.abs(signedArea(ring)) / width / speed, amid: amid(frame, ring) };
  }
  const waypoints = waypointsOf(flown, scene);
  const frame = frameAround(waypoints);
  const points = waypoints.map((place): Point => frame.toPlane(place) ?? [0, 0]);
  return { seconds: lengthOf(points) / SPEED_M_S, amid: amid(frame, points) };
}

function amid(frame: Frame, points: readonly Point[]): Place {
  const mean = (axis: 0 | 1) => points.reduce((sum, point) => sum + point[axis], 0) / points.length;
  return frame.toPlace([mean(0), mean(1)]);
}

/** Seconds that a target is held. */
export function holdCost({ parameters }: StepDef, scene: Scene): number {
  const held = scene.object(parameters.target ?? "")?.fields.hold_duration_s;
  return typeof held === "number" && held > 0 && Number.isFinite(held) ? held : 0;
}

/** True when the straight way enters the zone, or when it cannot be told that it does not. */
export function doesLegEnter({ parameters }: StepDef, zone: ObjectDef, scene: Scene): boolean {
  if (zone.type !== "zone") return false;
  const end = placeNamed(scene, parameters.end);
  if (end === undefined) return true;
  return doWaysEnter([placeNamed(scene, parameters.start) ?? end, end], zone, scene);
}

export function doesFollowEnter({ parameters }: StepDef, zone: ObjectDef, scene: Scene): boolean {
  if (zone.type !== "zone") return false;
  return doesRouteEnter(waypointsOf(needed(scene, parameters.route), scene), zone, scene);
}

function doesRouteEnter(waypoints: readonly Place[], zone: ObjectDef, scene: Scene): boolean {
  return doWaysEnter(
    waypoints.length === 1 ? [...waypoints, ...waypoints] : waypoints,
    zone,
    scene,
  );
}

function doWaysEnter(places: readonly Place[], zone: ObjectDef, scene: Scene): boolean {
  const { box, frame, frameName, ring } = keepOutArea(zone, scene);
  // How the two frames lie to each other is not known: refusing costs a plan, flying a vehicle.
  if (places.some((place) => place.frame !== frameName)) return true;
  const points = places.map((place) => frame.toPlane(place));
  return points.slice(1).some((to, index) => {
    const from = points[index];
    // Half the Earth away at one end: only a way that begins and ends there stays there.
    if (from === undefined || to === undefined) return from !== to;
    return !isApart(box, [from, to]) && comesNear([from, to], ring, TOUCH_M);
  });
}

/** A zone that is to be surveyed, and what to keep out of on its plane. */
function groundOf(zone: ObjectDef, scene: Scene) {
  const area = surveyAreaOf(zone, scene);
  const keepOuts = keepOutsOn(area, scene, zone);
  const corners = keepOuts.reduce((sum, each) => sum + each.length, 0);
  if (corners > KEEP_OUT_CORNERS_MAX) {
    const most = `ways are looked for round at most ${KEEP_OUT_CORNERS_MAX}`;
    throw keptOut(zone, `its keep-outs have ${corners} corners, ${most}`);
  }
  return { area, keepOuts };
}

/** Goals name zones and routes that must be fit to be flown: found out before anything is planned. */
export function checkFlyable(object: ObjectDef, scene: Scene): void {
  if (object.type === "zone") groundOf(object, scene);
  if (object.type === "route") waypointsOf(object, scene);
}

/** The keep-outs of the scene on one plane. */
function keepOutsOn(
  { frame, frameName }: Pick<Area, "frame" | "frameName">,
  scene: Scene,
  flown: ObjectDef,
): Ring[] {
  return keepOutsIn(scene).flatMap((zone) => {
    const area = keepOutArea(zone, scene);
    if (area.frameName !== frameName) {
      const other = `"${zone.name}" is kept out of in ${area.frameName}`;
      throw keptOut(flown, `${other}, and how that lies to ${frameName} is not known`);
    }
    const ring = ringOn(frame, area, refusing("keep out of", zone));
    return ring === undefined ? [] : [ring];
  });
}

function hereIn({ frame, frameName }: Area, scene: Scene): Point | undefined {
  const here = placeNow(scene);
  return here?.frame === frameName ? frame.toPlane(here) : undefined;
}

function placeNow(scene: Scene): Place | undefined {
  return placeNamed(scene, whereabouts(scene.state));
}

function placeNamed(scene: Scene, name: string | undefined): Place | undefined {
  const object = name === undefined ? undefined : scene.object(name);
  return object === undefined ? undefined : placeOf(object);
}

function needed(scene: Scene, name = ""): ObjectDef {
  const object = scene.object(name);
  if (object !== undefined) return object;
  throw new ServantError("object.unknown", `Cannot find object "${name}"`);
}

/** A step that is asked about but never taken must not end the planning of others. */
function costOf(seconds: () => number): number {
  try {
    return seconds();
  } catch (cause) {
    if (cause instanceof ServantError) return 0;
    throw cause;
  }
}

function keptOut({ name, type }: ObjectDef, reason: string): ServantError {
  const what = type === "route" ? "follow" : "survey";
  return new ServantError("step.keep-out", `Cannot ${what} "${name}": ${reason}`);
}
