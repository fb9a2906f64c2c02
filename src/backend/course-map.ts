/**
 * The ways of a run as GeoJSON, as they are planned: a line for each script through the places that its
 * legs name, and one for each step of the plan that goes from a place to another.
 */
import type { ObjectDef } from "../core/domain.ts";
import type { Json, JsonObject } from "../core/json.ts";
import { type Step, stepText } from "./progress.ts";
import type { PlanMade } from "./reasons.ts";
import type { Attempt, Outcome } from "./results.ts";

export interface Ways {
  readonly plan: PlanMade | undefined;
  readonly outcomes: readonly Outcome[];
}
interface Place {
  readonly at: readonly [number, number];
  readonly frame: string;
}
type Find = (name: string) => ObjectDef | undefined;

/** A FeatureCollection of LineStrings, `kind: "planned"`. A script that began twice has one line. */
export function courseMap({ plan, outcomes }: Ways, find: Find): JsonObject {
  const courses = new Map<string, readonly Step[]>();
  for (const step of plan?.steps ?? []) courses.set(stepText(step), [step]);
  for (const attempt of attemptsIn(outcomes)) {
    if (attempt.course !== undefined) courses.set(stepText(attempt.step), attempt.course);
  }
  const features = [...courses].flatMap(([name, steps]) => {
    return stretches(steps.flatMap((step) => placesOf(step, find))).map((stretch) =>
      lineOf(name, stretch),
    );
  });
  return { type: "FeatureCollection", features };
}

function attemptsIn(outcomes: readonly Outcome[]): Attempt[] {
  return outcomes.flatMap((outcome): Attempt[] => {
    if (outcome.type === "action") return [outcome, ...attemptsIn(outcome.legs)];
    return attemptsIn(outcome.type === "plan" ? outcome.steps : outcome.outcomes);
  });
}

/** The places that a step names, in the order of its parameters. */
function placesOf({ parameters }: Step, find: Find): Place[] {
  return Object.values(parameters).flatMap((name) => {
    const { latitude, longitude, coordinate_frame: frame } = find(name)?.fields ?? {};
    if (!isNumber(latitude) || !isNumber(longitude)) return [];
    return [{ at: [longitude, latitude], frame: typeof frame === "string" ? frame : "geographic" }];
  });
}

/** Two places or more of one frame, none twice in a row: between two frames there is no line. */
function stretches(places: readonly Place[]): Place[][] {
  const all: Place[][] = [];
  for (const place of places) {
    const open = all.at(-1);
    const last = open?.at(-1);
    if (open === undefined || last?.frame !== place.frame) all.push([place]);
    else if (last.at[0] !== place.at[0] || last.at[1] !== place.at[1]) open.push(place);
  }
  return all.filter(({ length }) => length > 1);
}

function lineOf(name: string, stretch: readonly Place[]): JsonObject {
  const coordinates = stretch.map(({ at }): Json => [...at]);
  const properties = { kind: "planned", name, coordinate_frame: stretch[0]?.frame ?? null };
  const geometry = { type: "LineString", coordinates };
  return { type: "Feature", id: `planned:${name}`, geometry, properties };
}

function isNumber(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value);
}
