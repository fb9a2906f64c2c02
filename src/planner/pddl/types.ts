/**
 * A tree of types put on the flat ones of a `Problem`, where an object has one type and a parameter
 * takes that one alone. Types that some parameter takes together become one flat type; a parameter
 * that takes only some of its objects gets a condition that never changes, `:is-car(?x)`. Where each
 * parameter takes all objects of a type, and no tree is in use, nothing is added.
 */
import { type Atom, atom } from "../../core/atom.ts";
import { suggestion } from "../../core/nearest.ts";
import type { Token } from "./source.ts";
import type { Typed, Walk } from "./walk.ts";

/** What every object is. */
export const OBJECT = "object";

export class Types {
  /** Each type with all that it is besides. */
  readonly #ancestors = new Map<string, ReadonlySet<string>>([[OBJECT, new Set([OBJECT])]]);

  /** Takes in `(:types ...)`. @throws {ServantError} `pddl.malformed` when a type is its own ancestor. */
  declare(walk: Walk): void {
    const parents = new Map<string, readonly Token[]>();
    for (const { name, types } of walk.typed("name")) {
      if (name.text === OBJECT) continue;
      parents.set(name.text, [...(parents.get(name.text) ?? []), ...types]);
      // A parent that stands nowhere else is a type too.
      for (const { text, at } of types) {
        if (text !== OBJECT && !parents.has(text)) parents.set(text, [{ text: OBJECT, at }]);
      }
    }
    const climb = (type: string, below: readonly string[]): ReadonlySet<string> => {
      const known = this.#ancestors.get(type);
      if (known !== undefined) return known;
      const above = (parents.get(type) ?? []).flatMap((parent) => {
        if ([...below, type].includes(parent.text)) {
          throw walk.source.fault(parent.at, `type "${parent.text}" is its own ancestor`);
        }
        return [...climb(parent.text, [...below, type])];
      });
      const ancestors = new Set([type, OBJECT, ...above]);
      this.#ancestors.set(type, ancestors);
      return ancestors;
    };
    for (const type of parents.keys()) climb(type, []);
  }

  /** The names of declared types. @throws {ServantError} `pddl.malformed` for any other. */
  names({ source }: Walk, { types }: Typed): readonly string[] {
    for (const { text, at } of types) {
      if (this.#ancestors.has(text)) continue;
      const near = suggestion(text, this.#ancestors.keys());
      throw source.fault(at, `there is no type "${text}"${near}`);
    }
    return types.map(({ text }) => text);
  }

  /** True when what is one of `own` is one of `wanted`. */
  fits(own: readonly string[], wanted: readonly string[]): boolean {
    return own.some((type) => wanted.some((each) => this.#ancestors.get(type)?.has(each)));
  }
}

export interface Flat {
  /** The one type of an object. */
  readonly typeOf: (object: string) => string;
  readonly ofParameter: (types: readonly string[]) => {
    readonly type: string;
    /** The fluent that tells whom it takes, where it does not take all of the type. */
    readonly test?: string;
  };
  /** What holds of the objects for ever. */
  readonly atoms: () => readonly Atom[];
}

/** Flattens for these objects (each with its types) and these parameters (the types of each). */
export function flatten(
  types: Types,
  objects: ReadonlyMap<string, readonly string[]>,
  parameters: readonly (readonly string[])[],
): Flat {
  const spell = (names: readonly string[]) => [...new Set(names)].sort().join("|");
  const kinds = new Map([...objects.values()].map((own) => [spell(own), own]));
  /** Kinds that are one flat type, under each of them; the arrays are shared. */
  const groups = new Map([...kinds.keys()].map((kind) => [kind, [kind]]));
  const taken = (wanted: readonly string[]) =>
    [...kinds].filter(([, own]) => types.fits(own, wanted)).map(([kind]) => kind);
  for (const wanted of parameters) {
    const together = [...new Set(taken(wanted).flatMap((kind) => groups.get(kind) ?? []))];
    for (const kind of together) groups.set(kind, together);
  }
  const flatType = (kind: string) => spell(groups.get(kind) ?? [kind]);
  const tests = new Map<string, readonly string[]>();
  return {
    typeOf: (object) => flatType(spell(objects.get(object) ?? [])),
    ofParameter: (wanted) => {
      const own = taken(wanted);
      const [first] = own;
      if (first === undefined) return { type: spell(wanted) }; // nothing is of it
      if (own.length === groups.get(first)?.length) return { type: flatType(first) };
      const test = `:is-${spell(wanted)}`;
      tests.set(test, wanted);
      return { type: flatType(first), test };
    },
    atoms: () =>
      [...tests].flatMap(([test, wanted]) =>
        [...objects]
          .filter(([, own]) => types.fits(own, wanted))
          .map(([object]) => atom(test, [object])),
      ),
  };
}
