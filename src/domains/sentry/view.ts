/**
 * The Sentry as a planner sees it. Coordinates that cannot matter are left out: a survey leaves one
 * at each end of its tracks, and n coordinates make n * n legs. A position that is not known, and
 * the end of a survey that is still to be flown, is a place of its own: `SOMEWHERE`.
 */
import { type Atom, atom, atomParts } from "../../core/atom.ts";
import { atomsOf } from "../../core/condition.ts";
import type { ObjectDef, Outlook, StepDef, TransitionDef, View, Wish } from "../../core/domain.ts";
import { isLegEnd } from "./names.ts";
import { heldIn } from "./position.ts";

/** No object of a client can have this name. */
export const SOMEWHERE = "*";
/** Their legs end somewhere. */
const SCRIPTED: ReadonlySet<string> = new Set(["survey", "follow_path"]);
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
  return {
    objects: [...objects, { name: SOMEWHERE, type: "coordinate", fields: {} }],
    state,
    transitions: outlook.transitions
      .filter(({ name }) => hasPhases || !LIFECYCLE.has(name))
      .map((def) => seen(def, places, holds)),
    allows: allower(outlook, goal),
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

/**
 * False of a leg that ends somewhere, and of a survey or route that nobody wants: what follows it
 * begins somewhere, of which no distance is known, so that it would seem a cheap way to anywhere.
 */
function allower({ state, transitions }: Outlook, goal: readonly Atom[]): View["allows"] {
  const wanted = new Set<string>(goal.filter((text) => !state.has(text)));
  const needed = new Set(
    transitions.flatMap(({ preconditions, effects = [] }) =>
      [...preconditions, ...effects.map(({ when }) => when)]
        .flatMap(atomsOf)
        .map((text) => atomParts(text).fluent),
    ),
  );
  return ({ transition, parameters: { end, zone = "", route = "" } }) => {
    if (transition === "goto") return end !== SOMEWHERE;
    const made = { survey: ["full_coverage_of", zone], follow_path: ["traversed", route] } as const;
    if (transition !== "survey" && transition !== "follow_path") return true;
    const [fluent, place] = made[transition];
    return needed.has(fluent) || wanted.has(atom(fluent, [place]));
  };
}

/** A leg from somewhere reads as one that starts where it ends: see `settled`. */
function restore(step: StepDef): StepDef {
  const { start, end } = step.parameters;
  if (start !== SOMEWHERE || end === undefined) return step;
  return { ...step, parameters: { ...step.parameters, start: end } };
}

function seen(
  whole: TransitionDef,
  places: readonly Atom[],
  holds: readonly Atom[],
): TransitionDef {
  const def = { ...whole, params: whole.params.filter(({ optional }) => optional !== true) };
  const removing = (more: readonly Atom[]) => [...new Set([...def.removes, ...more])];
  if (SCRIPTED.has(def.name)) {
    return { ...def, adds: [...def.adds, atom("at", [SOMEWHERE])], removes: removing(places) };
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
