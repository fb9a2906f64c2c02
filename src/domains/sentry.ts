/**
 * The Sentry, an underwater survey vehicle: same names as the public domain, which declares its
 * transitions without effects. Metres, metres a second, seconds, degrees; a `geographic` place is
 * longitude and latitude, a `local_enu` one metres east (longitude) and north (latitude).
 */
import { and, not } from "../core/condition.ts";
import type { Scene, StepDef } from "../core/domain.ts";
import {
  domain,
  fluent,
  objectType,
  optional,
  type RefOf,
  transition,
} from "../core/vocabulary.ts";
import { placeKey } from "./sentry/place.ts";
import { alsoRemoved, settled } from "./sentry/position.ts";
import { view } from "./sentry/view.ts";

export const zone = objectType("zone", {
  coordinate_frame: "string",
  /** Metres above the bottom. */
  altitude: "number",
  /** Metres below the surface; goes before `altitude`. */
  depth: "number",
  /** How far the altitude may be off. */
  envelope: "number",
  speed: "number",
  /** The width of the swath that one track covers. */
  coverage_width: "number",
  robot_width: "number",
  /** `[[lon, lat], ...]`, or names of coordinates. */
  vertices: "json",
  /** Of the tracks, from north to the east. */
  angle: "number",
  /** `Boustrophedon`, `Snake` or `Spiral`. */
  pattern: "string",
});
export const coordinate = objectType("coordinate", {
  latitude: "number",
  longitude: "number",
  coordinate_frame: "string",
  altitude: "number",
  depth: "number",
});
export const route = objectType("route", {
  coordinate_frame: "string",
  waypoints: "json",
  altitude: "number",
  depth: "number",
});
export const depthTarget = objectType("depthtarget", {
  depth_m: "number",
  hold_duration_s: "number",
});
export const altitudeTarget = objectType("altitudetarget", {
  altitude_m: "number",
  hold_duration_s: "number",
});
export const stationTarget = objectType("stationtarget", {
  depth_m: "number",
  drift_tolerance_m: "number",
  hold_duration_s: "number",
});
export type Zone = RefOf<typeof zone>;
export type Coordinate = RefOf<typeof coordinate>;
export type Route = RefOf<typeof route>;
export type DepthTarget = RefOf<typeof depthTarget>;
export type AltitudeTarget = RefOf<typeof altitudeTarget>;
export type StationTarget = RefOf<typeof stationTarget>;

export const fullCoverageOf = fluent("full_coverage_of", { zone });
/** Keep-out: no track and no way may cross this zone. */
export const noEntry = fluent("no_entry", { zone });
export const traversed = fluent("traversed", { route });
/** The vehicle is in one place: what makes one true makes the others false. */
export const at = fluent("at", { coordinate }).exclusive();
export const visited = fluent("visited", { coordinate });
/** It holds one thing at a time, of these three. */
export const holdDepth = fluent("hold_depth", { target: depthTarget });
export const holdAltitude = fluent("hold_altitude", { target: altitudeTarget });
export const holdingStation = fluent("holding_station", { target: stationTarget });
/**
 * Where the vehicle is in a mission. While none of them is known it is taken to be at depth, unless
 * somebody provides `takeover_control`: then it has to be taken over first.
 */
export const phaseSurface = fluent("phase_surface");
export const phaseAtDepth = fluent("phase_at_depth");
export const phaseAscending = fluent("phase_ascending");

/** Geometry and geodesy are loaded by the first who plans or flies. */
const code = (): typeof import("./sentry/code.ts") => require("./sentry/code.ts");

const holdCost = (step: StepDef, scene: Scene) => code().holdCost(step, scene);

const submerged = () => and(not(phaseSurface()), not(phaseAscending()));

export const goto = transition("goto", {
  params: { start: coordinate, end: coordinate },
  preconditions: (p) => [at(p.start), submerged()],
  adds: (p) => [at(p.end), visited(p.end)],
  removes: (p) => [at(p.start)],
  cost: (step, scene) => code().legCost(step, scene),
  enters: (step, place, scene) => code().doesLegEnter(step, place, scene),
  alsoRemoves: alsoRemoved,
  settle: settled,
});
/** Parallel tracks over the zone, cut at keep-outs, which the ways between them go round. */
export const survey = transition("survey", {
  params: { zone },
  preconditions: () => [submerged()],
  adds: (p) => [fullCoverageOf(p.zone)],
  cost: (step, scene) => code().surveyCost(step, scene),
  script: { legs: (step, scene) => code().surveyScript(step, scene) },
});
/** Through the waypoints in their order, from whichever end is nearer. */
export const followPath = transition("follow_path", {
  params: { route },
  preconditions: () => [submerged()],
  adds: (p) => [traversed(p.route)],
  cost: (step, scene) => code().routeCost(step, scene),
  script: { legs: (step, scene) => code().routeScript(step, scene) },
  enters: (step, place, scene) => code().doesFollowEnter(step, place, scene),
});
export const holdDepthTo = transition("hold_depth_to", {
  params: { target: depthTarget },
  preconditions: () => [submerged()],
  adds: (p) => [holdDepth(p.target)],
  cost: holdCost,
  alsoRemoves: alsoRemoved,
});
export const holdAltitudeTo = transition("hold_altitude_to", {
  params: { target: altitudeTarget },
  preconditions: () => [submerged()],
  adds: (p) => [holdAltitude(p.target)],
  cost: holdCost,
  alsoRemoves: alsoRemoved,
});
export const stationKeep = transition("station_keep", {
  params: { target: stationTarget },
  preconditions: () => [submerged()],
  adds: (p) => [holdingStation(p.target)],
  cost: holdCost,
  alsoRemoves: alsoRemoved,
});
/** Takes the vehicle over and down to its working depth. */
export const takeoverControl = transition("takeover_control", {
  adds: () => [phaseAtDepth()],
  removes: () => [phaseSurface(), phaseAscending()],
});
/** Up and out: whatever it held, and where it was, is over. */
export const fullAbort = transition("full_abort", {
  params: { position: optional(coordinate) },
  adds: () => [phaseAscending()],
  removes: () => [phaseSurface(), phaseAtDepth()],
  alsoRemoves: alsoRemoved,
});

export const sentry = domain("sentry", {
  modules: [
    "dynos_sentry.sentry",
    "dynos_sentry",
    "dynos_sentry._survey",
    "dynos_sentry._lifecycle",
  ],
  transitions: [
    goto,
    survey,
    followPath,
    holdDepthTo,
    holdAltitudeTo,
    stationKeep,
    takeoverControl,
    fullAbort,
  ],
  fluents: [noEntry, phaseSurface],
  view,
  identity: placeKey,
  checkObject: (object) => {
    if (object.type === zone.def.name) code().checkZone(object);
  },
});
