/** Where the vehicle is and what it holds, as far as a state tells, and what a step changes of it. */
import { type Atom, atom, atomParts } from "../../core/atom.ts";
import type { Scene, Settled, StepDef } from "../../core/domain.ts";

const HOLDS: ReadonlySet<string> = new Set(["hold_depth", "hold_altitude", "holding_station"]);

/** The coordinate at which the vehicle is known to be: the last one said, should there be several. */
export function whereabouts(state: Iterable<Atom>): string | undefined {
  return [...atomsNamed(state, (fluent) => fluent === "at")].map(argumentOf).at(-1);
}

/** The atoms of the state that say what is held. */
export function heldIn(state: Iterable<Atom>): Atom[] {
  return atomsNamed(state, (fluent) => HOLDS.has(fluent));
}

/**
 * A leg starts where the vehicle is. Where that is not known, its end stands for its start too: a
 * servant is given both, and only the end can be told.
 */
export function settled({ transition, parameters }: StepDef, { state }: Scene): Settled {
  const { end = "" } = parameters;
  const start = whereabouts(state) ?? end;
  return { transition, parameters: { ...parameters, start }, assumes: [atom("at", [start])] };
}

/** A vehicle is in one place and holds one thing; one that gives up does neither. */
export function alsoRemoved({ transition }: StepDef, { state }: Scene): readonly Atom[] {
  const places = () => atomsNamed(state, (fluent) => fluent === "at");
  if (transition === "goto") return places();
  return transition === "full_abort" ? [...places(), ...heldIn(state)] : heldIn(state);
}

function atomsNamed(state: Iterable<Atom>, isMeant: (fluent: string) => boolean): Atom[] {
  return [...state].filter((text) => isMeant(atomParts(text).fluent));
}

function argumentOf(text: Atom): string {
  return atomParts(text).args[0] ?? "";
}
