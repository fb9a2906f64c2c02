/** Places as legs: each a `goto` between coordinates, those that are not there yet made. */
import type { Legs, ObjectDef, Scene, StepDef } from "../../core/domain.ts";
import { legEndName } from "./names.ts";
import { type Place, placeKey } from "./place.ts";
import { whereabouts } from "./position.ts";

/**
 * Legs from where the vehicle is through the places, flown at the height of the zone or route that they are for. A coordinate
 * that is known at a place and height stands for it, so that flying a zone again makes none anew.
 */
export function legsThrough(owner: ObjectDef, places: readonly Place[], scene: Scene): Legs {
  const known = new Map<string, string>();
  for (const object of scene.objects) {
    const key = placeKey(object);
    if (key !== undefined && !known.has(key)) known.set(key, object.name);
  }
  const taken = new Set(scene.objects.map(({ name }) => name));
  const made: ObjectDef[] = [];
  const height = heightOf(owner);
  let number = 0;
  const nameOf = (place: Place): string => {
    const fields = { longitude: place.x, latitude: place.y, coordinate_frame: place.frame };
    const object = { name: "", type: "coordinate", fields: { ...fields, ...height } };
    const key = placeKey(object) ?? "";
    const there = known.get(key);
    if (there !== undefined) return there;
    do number += 1;
    while (taken.has(legEndName(owner.name, number)));
    const name = legEndName(owner.name, number);
    known.set(key, name);
    made.push({ ...object, name });
    return name;
  };
  const steps: StepDef[] = [];
  let start = whereabouts(scene.state);
  for (const place of places) {
    const end = nameOf(place);
    if (end !== start) steps.push({ transition: "goto", parameters: { start: start ?? end, end } });
    start = end;
  }
  return { objects: made, steps };
}

/** Depth goes before altitude: a coordinate has one of them. */
function heightOf({ fields }: ObjectDef): { depth?: number } | { altitude?: number } {
  const { depth, altitude } = fields;
  if (typeof depth === "number") return { depth };
  return typeof altitude === "number" ? { altitude } : {};
}
