/** Which actions may run at the same time: those that occupy nothing in common. */

/** What an action occupies; undefined for one that does not say: then it is everything. */
export type Uses = readonly string[] | undefined;

/** True when `next` may start beside those that run, of which there are `concurrency` at most. */
export function fits(next: Uses, running: readonly Uses[], concurrency: number): boolean {
  if (running.length === 0) return true;
  return running.length < concurrency && running.every((each) => areDisjoint(next, each));
}

function areDisjoint(a: Uses, b: Uses): boolean {
  return a !== undefined && b !== undefined && !a.some((name) => b.includes(name));
}
