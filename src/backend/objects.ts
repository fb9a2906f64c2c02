/**
 * The objects of a world: those that its domains declare and those that clients make. Two at the
 * same place are one.
 */
import type { ObjectDef } from "../core/domain.ts";
import { ServantError } from "../core/errors.ts";
import type { Json } from "../core/json.ts";
import { suggestion } from "../core/nearest.ts";
import { Allowance } from "./allowance.ts";
import { checkFields, checkName, checkUse } from "./object-rules.ts";
import { identityOf } from "./same-place.ts";
import type { Keep } from "./store.ts";
import type { Vocabulary } from "./vocabulary.ts";

/** Objects that clients may create between two resets. */
export const CLIENT_OBJECTS_MAX = 100_000;
/** The values of all of them together, as JSON. */
export const VALUES_CHARACTERS_MAX = 256 * 1024 * 1024;
/** Parts of parts nest so deep at most. */
export const PARTS_DEPTH_MAX = 32;

export interface Created {
  readonly object: ObjectDef;
  readonly created: boolean;
  /** The wanted object is this one by another name. */
  readonly mergedInto?: string;
}

export class Objects {
  readonly #vocabulary: Vocabulary;
  readonly #keep: Keep;
  /** What clients made, or changed of what a domain declares. */
  readonly #made = new Map<string, ObjectDef>();
  readonly #byPlace = new Map<string, string>();
  readonly #allowance = new Allowance(VALUES_CHARACTERS_MAX, "the values of objects");

  constructor(vocabulary: Vocabulary, keep: Keep) {
    this.#vocabulary = vocabulary;
    this.#keep = keep;
  }

  all(): ObjectDef[] {
    const declared = this.#vocabulary.objects;
    const own = [...this.#made.values()].filter(({ name }) => !declared.has(name));
    return [...declared.values()].map((each) => this.#made.get(each.name) ?? each).concat(own);
  }

  get(name: string): ObjectDef | undefined {
    return this.#made.get(name) ?? this.#vocabulary.objects.get(name);
  }

  /** @throws {ServantError} `object.unknown`, with the nearest known name. */
  require(name: string): ObjectDef {
    const found = this.get(name);
    if (found !== undefined) return found;
    const near = suggestion(
      name,
      Iterator.from(this.all()).map((each) => each.name),
    );
    throw new ServantError("object.unknown", `Cannot find object "${name.slice(0, 200)}"${near}`);
  }

  /** True when a client made it: no domain declares it. */
  isMade(name: string): boolean {
    return this.#made.has(name) && !this.#vocabulary.objects.has(name);
  }

  /** With its parts, and theirs. */
  withParts(name: string): Set<string> {
    const byParent = Map.groupBy(this.#made.values(), ({ parent }) => parent);
    const all = new Set([name]);
    // A set is walked in the order of insertion and includes what the walk inserts.
    for (const each of all) for (const part of byParent.get(each) ?? []) all.add(part.name);
    return all;
  }

  /** Others that have one of these in a list that they carry, as a zone its corners. */
  referrersOf(names: ReadonlySet<string>): ObjectDef[] {
    const isOne = (value: Json) => typeof value === "string" && names.has(value);
    return this.all().filter(
      ({ name, fields }) =>
        !names.has(name) &&
        Object.values(fields).some((value) => Array.isArray(value) && value.some(isOne)),
    );
  }

  /**
   * Makes an object known. One that is there already with the same content, or at the same place,
   * is left alone.
   *
   * @throws {ServantError} `object.invalid`, `object.conflict`, `object.unknown` for its parent,
   *   `request.too-large`
   */
  create(wanted: ObjectDef): Created {
    const { name, type, parent } = wanted;
    const known = this.get(name);
    checkName(name, this.#vocabulary);
    const fields = checkFields(wanted, this.#vocabulary, known);
    if (known !== undefined) return { object: known, created: false };
    const object = { name, type, fields, ...(parent === undefined ? {} : { parent }) };
    const twin = this.#twinOf(object);
    if (twin !== undefined) return { object: twin, created: false, mergedInto: twin.name };
    if (parent !== undefined) this.#checkParent(name, parent);
    checkUse(object, this.#vocabulary);
    if (this.#made.size >= CLIENT_OBJECTS_MAX) {
      const reason = `there are ${CLIENT_OBJECTS_MAX} objects already`;
      throw new ServantError("object.invalid", `Cannot create "${name}": ${reason}`);
    }
    this.#allowance.take(name, fields);
    this.#set(object);
    return { object, created: true };
  }

  /**
   * Gives fields of an object new values; null takes one away.
   *
   * @throws {ServantError} `object.unknown`, `object.invalid`, `request.too-large`,
   *   `object.conflict` when another object is at its new place
   */
  update(name: string, changes: Readonly<Record<string, Json>>): ObjectDef {
    const known = this.require(name);
    const fields = checkFields(
      { ...known, fields: { ...known.fields, ...changes } },
      this.#vocabulary,
      undefined,
    );
    const object = { ...known, fields };
    const twin = this.#twinOf(object);
    if (twin !== undefined && twin.name !== name) {
      const reason = `"${twin.name}" is at the same place`;
      throw new ServantError("object.conflict", `Cannot change "${name}": ${reason}`);
    }
    checkUse(object, this.#vocabulary);
    this.#allowance.take(name, fields);
    this.#forget(known);
    this.#set(object);
    return object;
  }

  /** Whatever names it is the caller's business. */
  remove(name: string): void {
    const known = this.get(name);
    if (known === undefined) return;
    this.#forget(known);
    this.#made.delete(name);
    this.#allowance.free(name);
    this.#keep.remove("object", name);
  }

  /** Forgets what clients made. */
  clear(): void {
    this.#made.clear();
    this.#byPlace.clear();
    this.#allowance.clear();
    this.#keep.clear("object");
  }

  /**
   * Takes an object back that was kept.
   *
   * @throws {ServantError} `object.invalid` when the vocabulary no longer knows its type
   */
  restore(object: ObjectDef): void {
    checkName(object.name, this.#vocabulary);
    const fields = checkFields(object, this.#vocabulary, undefined);
    this.#allowance.restore(object.name, fields);
    this.#place({ ...object, fields });
  }

  #checkParent(name: string, parent: string): void {
    let depth = 1;
    for (let above = this.require(parent).parent; above !== undefined; depth += 1) {
      above = this.get(above)?.parent;
    }
    if (depth < PARTS_DEPTH_MAX) return;
    const reason = `parts nest ${PARTS_DEPTH_MAX} deep at most`;
    throw new ServantError("object.invalid", `Cannot create "${name}": ${reason}`);
  }

  #set(object: ObjectDef): void {
    this.#place(object);
    const { name, ...rest } = object;
    this.#keep.put("object", name, rest);
  }

  #place(object: ObjectDef): void {
    this.#made.set(object.name, object);
    const place = identityOf(object, this.#vocabulary);
    if (place !== undefined) this.#byPlace.set(place, object.name);
  }

  #forget(object: ObjectDef): void {
    const place = identityOf(object, this.#vocabulary);
    if (place !== undefined && this.#byPlace.get(place) === object.name)
      this.#byPlace.delete(place);
  }

  #twinOf(object: ObjectDef): ObjectDef | undefined {
    const place = identityOf(object, this.#vocabulary);
    if (place === undefined) return undefined;
    const name = this.#byPlace.get(place);
    if (name !== undefined) return this.get(name);
    // What domains declare is few, and may change with every domain that is added.
    const declared = Iterator.from(this.#vocabulary.objects.values());
    return declared.find((each) => identityOf(each, this.#vocabulary) === place);
  }
}
