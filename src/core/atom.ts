/**
 * Atoms: a fluent applied to objects. An atom is its own canonical text, `name(arg, arg)`, or
 * `name` without arguments, so that a state is a set of strings and a wire needs no codec.
 */
import { ServantError } from "./errors.ts";

declare const atomBrand: unique symbol;
export type Atom = string & { readonly [atomBrand]: true };

export interface AtomParts {
  readonly fluent: string;
  readonly args: readonly string[];
}

const NAME = /^[^\s(),"']+$/;

/** The canonical text of a fluent applied to object names. */
export function atom(fluent: string, args: readonly string[] = []): Atom {
  return (args.length === 0 ? fluent : `${fluent}(${args.join(", ")})`) as Atom;
}

/**
 * Reads `name`, `name()` or `name(a, b)`; spaces are free and names may be quoted.
 *
 * @throws {ServantError} `atom.malformed`
 */
export function parseAtom(text: string): Atom {
  const { fluent, args } = atomParts(text);
  return atom(fluent, args);
}

/**
 * The fluent and the object names of an atom's text.
 *
 * @throws {ServantError} `atom.malformed`
 */
export function atomParts(text: string): AtomParts {
  // Trimmed first: two runs of free spaces side by side would cost the square of their length.
  const match = /^([^\s()]+)\s*(?:\(([^()]*)\))?$/.exec(text.trim());
  const fluent = match?.[1] ?? "";
  const inner = match?.[2]?.trim() ?? "";
  const args = inner === "" ? [] : inner.split(",").map(unquoted);
  if (!NAME.test(fluent) || !args.every((name) => NAME.test(name))) {
    throw new ServantError("atom.malformed", `Cannot read atom "${text.slice(0, 200)}"`);
  }
  return { fluent, args };
}

function unquoted(text: string): string {
  const trimmed = text.trim();
  const quoted = /^(["'])(.*)\1$/.exec(trimmed);
  return quoted?.[2] ?? trimmed;
}

/** An atom over parameters with the objects in their places: `?start` becomes what `start` is. */
export function bindAtom(text: Atom, parameters: Readonly<Record<string, string>>): Atom {
  const { fluent, args } = atomParts(text);
  const value = (arg: string) => (arg.startsWith("?") ? parameters[arg.slice(1)] : undefined);
  return atom(
    fluent,
    args.map((arg) => value(arg) ?? arg),
  );
}
