/** Types of objects, and objects by their names: what atoms and parameters of a vocabulary are about. */
import type { FieldKind, ObjectDef, ObjectTypeDef } from "./domain.ts";
import { ServantError } from "./errors.ts";
import type { Json } from "./json.ts";

/** An object, by name; prints as its name. */
export interface ObjectRef<T extends string = string> {
  readonly name: string;
  readonly type: T;
  toString(): string;
  toJSON(): string;
}

type Fields = Readonly<Record<string, FieldKind>>;
interface KindValues {
  readonly number: number;
  readonly string: string;
  readonly boolean: boolean;
  readonly json: Json;
}
/** What an object of a type may say of itself; nothing has to be said. */
export type FieldValues<F extends Fields> = { readonly [K in keyof F]?: KindValues[F[K]] };

/** Any object type, where only what it is called and holds matters. */
export interface AnyObjectType<T extends string = string> {
  /** Refers to an object that somebody else declared. */
  ref(name: string): ObjectRef<T>;
  readonly def: ObjectTypeDef;
  readonly objects: readonly ObjectDef[];
}
export interface ObjectType<T extends string = string, F extends Fields = Fields>
  extends AnyObjectType<T> {
  /** Declares an object of this type, known to every backend that knows the vocabulary. */
  (name: string, fields?: FieldValues<F>): ObjectRef<T>;
}
/** The reference type of an object type: `type Room = RefOf<typeof room>`. */
export type RefOf<O> = O extends AnyObjectType<infer T> ? ObjectRef<T> : never;

/** Names a kind of object and the value fields each of them carries. */
export function objectType<const T extends string, const F extends Fields = Record<never, never>>(
  name: T,
  fields: F = {} as F,
): ObjectType<T, F> {
  const objects: ObjectDef[] = [];
  const declare = (objectName: string, values: FieldValues<F> = {}) => {
    const given: Readonly<Record<string, Json>> = values as Readonly<Record<string, Json>>;
    objects.push({ name: checkedName(objectName), type: name, fields: given });
    return objectRef(objectName, name);
  };
  const def = { name: checkedName(name), fields };
  const members = { ref: (of: string) => objectRef(of, name), def, objects };
  return Object.assign(declare, members);
}

/** A reference to an object by its name. */
export function objectRef<T extends string>(name: string, type: T): ObjectRef<T> {
  return { name, type, toString: () => name, toJSON: () => name };
}

/** The name, fit for an atom. @throws {ServantError} `atom.malformed` */
export function checkedName<N extends string>(name: N): N {
  if (!/^[A-Za-z_][\w.:-]*$/.test(name)) {
    throw new ServantError(
      "atom.malformed",
      `Cannot name a thing "${name}": use letters, digits, _`,
    );
  }
  return name;
}
