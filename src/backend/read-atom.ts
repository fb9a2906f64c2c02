/**
 * Atoms of a world from text: the fluent is known, its arguments are objects of the right types. A
 * fluent's name may have several definitions: an atom is one of them.
 */
import { type Atom, atom, atomParts } from "../core/atom.ts";
import type { ArgDef, FluentDef, ObjectDef } from "../core/domain.ts";
import { ServantError } from "../core/errors.ts";
import { suggestion } from "../core/nearest.ts";
import type { Objects } from "./objects.ts";
import type { Vocabulary } from "./vocabulary.ts";

/**
 * @throws {ServantError} `atom.malformed`, or `atom.unknown` for a fluent or an object that is not
 *   known, a wrong number of arguments, an object of the wrong type.
 */
export function readAtom(text: string, vocabulary: Vocabulary, objects: Objects): Atom {
  const { fluent, args } = atomParts(text);
  const defs = definitionsOf(fluent, text, vocabulary);
  const ofArity = defs.filter((def) => def.args.length === args.length);
  if (ofArity.length === 0) {
    const wanted = defs.map((def) => `${def.args.length} arguments (${describe(def)})`);
    throw unknown(text, `"${fluent}" has ${wanted.join(" or ")}, not ${args.length}`);
  }
  let fitting = ofArity;
  for (const [place, name] of args.entries()) {
    const places = fitting.flatMap((def) => def.args[place] ?? []);
    const object = objects.get(name) ?? missing(text, name, places, objects);
    fitting = fitting.filter((def) => def.args[place]?.type === object.type);
    if (fitting.length === 0) throw mistyped(text, object, places);
  }
  return atom(fluent, args);
}

/** Whether `readAtom` would take it. To say why not takes 10,000 times as long in a large world. */
export function isReadable(text: Atom, { fluents }: Vocabulary, objects: Objects): boolean {
  const { fluent, args } = atomParts(text);
  const isFitting = ({ type }: ArgDef, place: number) =>
    objects.get(args[place] ?? "")?.type === type;
  const defs = fluents.get(fluent) ?? [];
  return defs.some((def) => def.args.length === args.length && def.args.every(isFitting));
}

/** The definition that an atom of this world is of. */
export function definitionOf(
  text: Atom,
  vocabulary: Vocabulary,
  typeOf: (object: string) => string | undefined,
): FluentDef | undefined {
  const { fluent, args } = atomParts(text);
  const defs = vocabulary.fluents.get(fluent) ?? [];
  if (defs.length < 2) return defs[0]; // nearly always
  return defs.find(
    (def) =>
      def.args.length === args.length &&
      def.args.every(({ type }, place) => type === typeOf(args[place] ?? "")),
  );
}

function definitionsOf(name: string, text: string, { fluents }: Vocabulary): readonly FluentDef[] {
  const defs = fluents.get(name);
  if (defs !== undefined) return defs;
  throw unknown(text, `there is no fluent "${name}"${suggestion(name, fluents.keys())}`);
}

function missing(text: string, name: string, places: readonly ArgDef[], objects: Objects): never {
  const peers = objects.all().filter(({ type }) => places.some((each) => each.type === type));
  const near = suggestion(
    name,
    peers.map((each) => each.name),
  );
  throw unknown(text, `there is no object "${name}"${near}`);
}

function mistyped(text: string, object: ObjectDef, places: readonly ArgDef[]): ServantError {
  const wanted = places.map(({ name, type }) => `"${name}" is a ${type}`);
  const reason = `"${object.name}" is a ${object.type}, and ${[...new Set(wanted)].join(" or ")}`;
  return unknown(text, reason);
}

function describe({ args }: FluentDef): string {
  return args.map(({ name, type }) => `${name}: ${type}`).join(", ");
}

function unknown(text: string, reason: string): ServantError {
  return new ServantError("atom.unknown", `Cannot use atom "${text.slice(0, 200)}": ${reason}`);
}
