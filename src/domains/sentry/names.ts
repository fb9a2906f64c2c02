/** The names of the coordinates that a survey makes for itself. */

/** A name may have 200 characters: the zone's own, cut, and a number. */
const ZONE_CHARACTERS_MAX = 180;

/** The end of a leg of this zone or route. */
export function legEndName(place: string, number: number): string {
  return `${place.slice(0, ZONE_CHARACTERS_MAX)}_leg_${number}`;
}

export function isLegEnd(name: string): boolean {
  return /_leg_\d+$/.test(name);
}
