/** What a mistyped name was probably meant to be. */

/** Names longer than this are cut before they are compared: the cost grows with their product. */
const COMPARED_CHARACTERS = 60;
/** Pairs of letters that are compared: some 50 ms. Names after that many are not looked at. */
const COMPARED_LETTERS = 5_000_000;

/** The known name that is most like `name`; undefined when none is like it at all. */
export function nearest(name: string, known: Iterable<string>): string | undefined {
  const wanted = folded(name);
  let best: string | undefined;
  let bestDistance = Math.max(2, Math.ceil(wanted.length / 2)) + 1;
  let lettersLeft = COMPARED_LETTERS;
  for (const candidate of known) {
    const other = folded(candidate);
    // To be nearer, it may not differ more than that in length alone.
    lettersLeft -= 10;
    if (Math.abs(other.length - wanted.length) >= bestDistance) continue;
    lettersLeft -= wanted.length * other.length;
    if (lettersLeft < 0) break;
    const distance = editDistance(wanted, other);
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
    if (bestDistance === 0) break;
  }
  return best;
}

/** `; nearest is "x"`, or the known names when none is near, or nothing when there are none. */
export function suggestion(name: string, known: Iterable<string>): string {
  const names = [...known];
  const near = nearest(name, names);
  if (near !== undefined) return `; nearest is "${near}"`;
  if (names.length === 0) return "";
  const shown = names.slice(0, 12).join(", ");
  return `; known: ${shown}${names.length > 12 ? ", ..." : ""}`;
}

function folded(name: string): string {
  return name.slice(0, COMPARED_CHARACTERS).toLowerCase().replaceAll("-", "_");
}

/** Levenshtein's distance, one row at a time. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const substituted = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(substituted, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
