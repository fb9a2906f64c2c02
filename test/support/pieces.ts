import { isInPieces, type Pieces } from "../../src/core/pieces.ts";

/** All pieces at once. */
export function wholeOf<T extends object>(made: T | Pieces<T>): T {
  if (!isInPieces(made)) return made;
  for (;;) {
    const { done, value } = made.next();
    if (done === true) return value;
  }
}
