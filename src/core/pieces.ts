/**
 * Long work done in pieces: a generator that yields between two of them, so that whoever runs it may let
 * others run meanwhile. What it works on must not change under it.
 */
export type Pieces<T> = Generator<undefined, T, undefined>;

export function isInPieces<T extends object>(made: T | Pieces<T>): made is Pieces<T> {
  return Symbol.iterator in made;
}
