/**
 * The Sentry as a planner sees it. Coordinates that cannot matter are left out: a survey leaves one
 * at each end of its tracks, and n coordinates make n * n legs. A position that is not known is a
 * place of its own, `SOMEWHERE`. So is the end of each survey that is still to be flown, of which it
 * is known about where it is: surveys are planned in an order that makes the ways between short.
 */
import { type Atom, atom, atomParts } from "../../core/atom.ts";
import { atomsOf } from "../../core/condition.ts";
import type { ObjectDef, Outlook, StepDef, TransitionDef, View, Wish } from "../../core/domain.ts";
import { endOf, isLegEnd, isSomewhere, SOMEWHERE } from "./names.ts";
import { heldIn } from "./position.ts";

/** What is flown over legs of its own, and the type of what it is flown over. */
const SCRIPTED: Readonly<Record<string, string>> = { survey: "zone", follow_path: "route" };
/** Which place is the end of which zone or route: for the planner alone. */
const ENDS_AT = "*ends_at";
const FLOWN: ReadonlySet<string> = new Set(["full_coverage_of", "traversed"]);
/** Each holds what it is given instead of all else. */
const HOLDING: Readonly<Record<string, string>> = {
  depthtarget: "hold_depth",
  altitudetarget: "hold_altitude",
  stationtarget: "holding_station",
};
/** Only a vehicle that is taken over can be given up. */
const LIFECYCLE: ReadonlySet<string> = new Set(["takeover_control", "full_abort"]);
const PHASES: ReadonlySet<string> = new Set(["phase_surface", "phase_at_depth", "phase_ascending"]);

/** @throws {ServantError} `object.invalid` when a zone or route of the goal cannot be flown. */
export function view(outlook: Outlook, { goal, isProvided }: Wish): View {
  checkGoal(outlook, goal);
  const hasPhases = isProvided("takeover_control");
  const objects = outlook.objects.filter(keeper(outlook, goal));
  const names = new Set(objects.map(({ name }) => name));
  const isLeftOut = new Set(outlook.objects.flatMap(({ name }) => (names.has(name) ? [] : [name])));
  const state = new Set(
    [...outlook.state].filter((text) => !atomParts(text).args.some((arg) => isLeftOut.has(arg))),
  );
  const fluents = new Set([...state].map((text) => atomParts(text).fluent));
  if (!fluents.has("at")) state.add(atom("at", [SOMEWHERE]));
  if (hasPhases && ![...PHASES].some((phase) => fluents.has(phase)))
    state.add(atom("phase_surface"));
  const holds = objects.flatMap(({ name, type }) => {
    const fluent = HOLDING[type];
    return fluent === undefined ? [] : [atom(fluent, [name])];
  });
  const places = objects.flatMap(({ name, type }) =>
    type === "coordinate" ? [atom("at", [name])] : [],
  );
  const isFlown = flownFor(outlook, goal);
  const ends = objects.filter(({ name, type }) => isFlown(name, type)).map(({ name }) => name);
  for (const name of ends) state.add(atom(ENDS_AT, [name, endOf(name)]));
  const somewhere = [SOMEWHERE, ...ends.map(endOf)];
  return {
    objects: [...objects, ...somewhere.map((name) => ({ name, type: "coordinate", fields: {} }))],
    state,
    transitions: outlook.transitions
      .filter(({ name }) => hasPhases || !LIFECYCLE.has(name))
      .map((def) => seen(def, places, holds)),
    allows: ({ transition, parameters }) => allows(transition, parameters, isFlown),
    restore,
  };
}

function checkGoal({ objects, state }: Outlook, goal: readonly Atom[]): void {
  const flown = goal.map(atomParts).flatMap(({ fluent, args }) => (FLOWN.has(fluent) ? args : []));
  if (flown.length === 0) return;
  const { checkFlyable }: typeof import("./code.ts") = require("./code.ts");
  const byName = new Map(objects.map((object) => [object.name, object]));
  const scene = { object: (name: string) => byName.get(name), objects, state };
  for (const name of flown) {
    const object = byName.get(name);
    if (object !== undefined) checkFlyable(object, scene);
  }
}

/** True of a zone or route that somebody wants flown. */
function flownFor({ state, transitions }: Outlook, goal: readonly Atom[]) {
  const wanted = new Set<string>(goal.filter((text) => !state.has(text)));
  const needed = new Set(
    transitions.flatMap(({ preconditions, effects = [] }) =>
      [...preconditions, ...effects.map(({ when }) => when)]
        .flatMap(atomsOf)
        .map((text) => atomParts(text).fluent),
    ),
  );
  const made: Readonly<Record<string, string>> = { zone: "full_coverage_of", route: "traversed" };
  return (name: string, type: string): boolean => {
    const fluent = made[type];
    return fluent !== undefined && (needed.has(fluent) || wanted.has(atom(fluent, [name])));
  };
}

/**
 * False of a leg that ends somewhere, and of a survey or route that nobody wants: what follows it
 * begins somewhere, of which no distance is known, so that it would seem a cheap way to anywhere.
 */
function allows(
  transition: string,
  { end, zone = "", route = "" }: StepDef["parameters"],
  isFlown: (name: string, type: string) => boolean,
): boolean {
  if (transition === "goto") return !isSomewhere(end);
  if (transition === "survey") return isFlown(zone, "zone");
  return transition !== "follow_path" || isFlown(route, "route");
}

/** A leg from somewhere reads as one that starts where it ends: see `settled`. */
function restore(step: StepDef): StepDef {
  const { start, end, ...others } = step.parameters;
  if (SCRIPTED[step.transition] !== undefined) return { ...step, parameters: others };
  if (!isSomewhere(start) || end === undefined) return step;
  return { ...step, parameters: { ...step.parameters, start: end } };
}

function seen(
  whole: TransitionDef,
  places: readonly Atom[],
  holds: readonly Atom[],
): TransitionDef {
  const def = { ...whole, params: whole.params.filter(({ optional }) => optional !== true) };
  const removing = (more: readonly Atom[]) => [...new Set([...def.removes, ...more])];
  const flown = SCRIPTED[def.name];
  if (flown !== undefined) {
    const [start, end] = [atom("at", ["?start"]), atom("at", ["?end"])];
    const ending = { atom: atom(ENDS_AT, [`?${flown}`, "?end"]), holds: true };
    return {
      ...def,
      params: [...def.params, ...["start", "end"].map((name) => ({ name, type: "coordinate" }))],
      preconditions: [...def.preconditions, { atom: start, holds: true }, ending],
      adds: [...def.adds, end],
      removes: removing([start, ...places]),
    };
  }
  return heldIn(def.adds).length > 0 ? { ...def, removes: removing(holds) } : def;
}

/**
 * True of what may matter. The straight way is the shortest, so that a coordinate which is neither
 * wanted nor where the vehicle is only helps to go round a keep-out; the end of a track never does,
 * for the way round was looked for when the track was made.
 */
function keeper({ state }: Outlook, goal: readonly Atom[]): (object: ObjectDef) => boolean {
  const parts = [...state].map(atomParts);
  const named = new Set([
    ...goal.flatMap((text) => atomParts(text).args),
    ...parts.flatMap(({ fluent, args }) => (fluent === "at" ? args : [])),
  ]);
  const isKeptOut = parts.some(({ fluent }) => fluent === "no_entry");
  return ({ name, type }) =>
    type !== "coordinate" || named.has(name) || (isKeptOut && !isLegEnd(name));
}
