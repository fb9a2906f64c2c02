/** How many words a vocabulary has, of each kind. */
import type { Domain } from "../../core/domain.ts";

export function wordsOf({ types, fluents, transitions, objects }: Domain) {
  return {
    types: types.length,
    fluents: fluents.length,
    transitions: transitions.length,
    objects: objects.length,
  };
}
