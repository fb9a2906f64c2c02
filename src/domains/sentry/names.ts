/** The names of the coordinates that a survey makes for itself, and those that only a planner sees. */

/** A name may have 200 characters: the zone's own, cut, and a number. */
const ZONE_CHARACTERS_MAX = 180;

/** The end of a leg of this zone or route. */
export function legEndName(place: string, number: number): string {
  return `${place.slice(0, ZONE_CHARACTERS_MAX)}_leg_${number}`;
}

export function isLegEnd(name: string): boolean {
  return /_leg_\d+$/.test(name);
}

/** A place that is not known. No object of a client can have this name. */
export const SOMEWHERE = "*";

/** The place where a survey of this zone, or a route, ends: somewhere near. */
export function endOf(flown: string): string {
  return `${SOMEWHERE}${flown}`;
}

/** The zone or route of which this is the end; undefined of any other place. */
export function endedAt(place = ""): string | undefined {
  return isSomewhere(place) && place !== SOMEWHERE ? place.slice(SOMEWHERE.length) : undefined;
}

/** True of a place that only a planner sees. */
export function isSomewhere(place = ""): boolean {
  return place.startsWith(SOMEWHERE);
}
