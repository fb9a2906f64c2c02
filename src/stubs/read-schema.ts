/**
 * The parameters of an action, from the JSON Schema of its handler. What OSC2 has no type for is told
 * as a problem, with the way out; all of an action's problems are told at once.
 */
import { isJsonObject, type Json, type JsonObject } from "../core/json.ts";
import { notesOf } from "./notes.ts";
import { meaningOf } from "./quantities.ts";
import type { Field, ItemType, ValueType } from "./value-type.ts";
import { nameProblem } from "./words.ts";

export interface Reading {
  readonly fields: readonly Field[];
  /** It refuses what it does not name. */
  readonly isStrict: boolean;
  /** Empty: all of it can be said. */
  readonly problems: readonly string[];
}

const LEVELS_MAX = 16;
const ENDLESS = "nests within itself, or too deep: give it a type that ends";
const ANYTHING = "may be anything: give it one type, an object's fields in one z.object";
const EITHER = "may be one thing or another: give each an action or a parameter";
/** Schemas refer to what they share by names below this. */
const DEFINITIONS = "#/$defs/";

/** The fields of the object that the schema is of. */
export function readSchema(schema: JsonObject): Reading {
  const reader = new Reader(schema);
  const { fields, isStrict } = reader.parameters(schema);
  return { fields, isStrict, problems: reader.problems };
}

class Reader {
  readonly problems: string[] = [];
  readonly #definitions: JsonObject;

  constructor({ $defs }: JsonObject) {
    this.#definitions = isJsonObject($defs) ? $defs : {};
  }

  parameters(schema: JsonObject): {
    readonly fields: readonly Field[];
    readonly isStrict: boolean;
  } {
    const whole = this.#resolved(schema, "params", 0);
    if (whole === undefined || !this.#isNamed(whole, "params"))
      return { fields: [], isStrict: false };
    const fields = this.#fields(whole, "parameter", "", 0);
    return { fields, isStrict: whole.additionalProperties === false };
  }

  #fields(schema: JsonObject, role: "parameter" | "field", inside: string, level: number): Field[] {
    const { properties, required } = schema;
    const needed = Array.isArray(required) ? required : [];
    return Object.entries(isJsonObject(properties) ? properties : {}).flatMap(([name, each]) => {
      const place = `${inside}${name}`;
      // The client's own: it is checked by whoever reads it, and gets no name from us.
      const problem = name === "associated_actor" ? undefined : nameProblem(name, role);
      if (problem !== undefined) this.#tell(place, `${problem}: call it otherwise`);
      const whole = this.#resolved(each, place, level);
      const type = whole && this.#type(whole, place, level);
      if (whole === undefined || type === undefined) return [];
      const { default: usual } = whole;
      return [
        {
          ...{ name, type, isOptional: !needed.includes(name) },
          ...(usual === undefined || usual === null ? {} : { default: usual }),
          notes: notesOf(whole),
        },
      ];
    });
  }

  /** What it refers to, and the one that it is when it may be null: nil is left out, anyway. */
  #resolved(schema: Json, place: string, level: number): JsonObject | undefined {
    if (!isJsonObject(schema)) return this.#tell(place, ANYTHING);
    if (level > LEVELS_MAX) return this.#tell(place.replace(/[.[].*/, ""), ENDLESS);
    const { $ref, anyOf, oneOf, ...rest } = schema;
    if (typeof $ref === "string") {
      const target = this.#definitions[$ref.slice(DEFINITIONS.length)];
      const isHere = $ref.startsWith(DEFINITIONS) && isJsonObject(target);
      if (!isHere) return this.#tell(place, ENDLESS);
      return this.#resolved(
        { title: $ref.slice(DEFINITIONS.length), ...target, ...rest },
        place,
        level + 1,
      );
    }
    const either = (anyOf ?? oneOf) as Json | undefined;
    if (!Array.isArray(either)) return withoutNull(schema);
    const possible = either.filter((each) => !isNull(each));
    const [only] = possible;
    if (possible.length === 1 && isJsonObject(only)) {
      return this.#resolved({ ...only, ...rest }, place, level + 1);
    }
    const texts = possible.map(textsOf);
    if (texts.every(({ length }) => length > 0))
      return { ...rest, enum: [...new Set(texts.flat())] };
    return this.#tell(place, EITHER);
  }

  #type(schema: JsonObject, place: string, level: number): ValueType | undefined {
    if (schema.type !== "array") return this.#item(schema, place, level);
    const { items, prefixItems } = schema;
    if (Array.isArray(prefixItems)) {
      return this.#tell(place, "is a tuple: use an object, with a name for each");
    }
    const each = this.#resolved(items ?? true, `${place}[]`, level + 1);
    if (each?.type === "array") {
      return this.#tell(place, "is a list of lists: put the inner one into an object");
    }
    const of = each && this.#item(each, `${place}[]`, level + 1);
    return of && { is: "list", of };
  }

  #item(schema: JsonObject, place: string, level: number): ItemType | undefined {
    if (schema.enum !== undefined || schema.const !== undefined) return this.#enum(schema, place);
    switch (schema.type) {
      case "boolean":
        return { is: "bool" };
      case "string":
        return { is: "string" };
      case "integer":
      case "number":
        return this.#number(schema, place);
      case "object":
        return this.#struct(schema, place, level);
      default:
        return this.#tell(place, Array.isArray(schema.type) ? EITHER : ANYTHING);
    }
  }

  #enum(schema: JsonObject, place: string): ItemType | undefined {
    const members = textsOf(schema);
    if (members.length === 0) {
      return this.#tell(place, "lists values that are no texts: use texts, or a number");
    }
    for (const member of members) {
      const problem = nameProblem(member, "member");
      if (problem !== undefined) {
        this.#tell(place, `has the value ${JSON.stringify(member)}, which ${problem}`);
      }
    }
    return { is: "enum", members, ...titleOf(schema) };
  }

  #number({ type, unit }: JsonObject, place: string): ItemType | undefined {
    const plain: ItemType = { is: type === "integer" ? "int" : "float" };
    if (typeof unit !== "string") return plain;
    const meaning = meaningOf(unit);
    if (meaning.is === "quantity") return meaning;
    if (meaning.is === "unknown") return plain;
    const { si } = meaning;
    return this.#tell(place, `is in ${unit}: scenarios send ${si}, so take it in ${si}`);
  }

  #struct(schema: JsonObject, place: string, level: number): ItemType | undefined {
    if (!this.#isNamed(schema, place)) return undefined;
    const fields = this.#fields(schema, "field", `${place}.`, level + 1);
    return { is: "struct", fields, ...titleOf(schema) };
  }

  /** An object whose fields are all known. */
  #isNamed({ additionalProperties, properties, propertyNames, type }: JsonObject, place: string) {
    if (type !== "object") this.#tell(place, ANYTHING);
    else if (
      propertyNames !== undefined ||
      isJsonObject(additionalProperties) ||
      !isJsonObject(properties)
    ) {
      this.#tell(place, "has fields of any name: name them, or take a list of objects");
    } else return true;
    return false;
  }

  #tell(place: string, problem: string): undefined {
    this.problems.push(`"${place}" ${problem}`);
  }
}

function titleOf({ title }: JsonObject): { readonly title?: string } {
  return typeof title === "string" ? { title } : {};
}

/** The texts that it may be; none when it may be anything else. */
function textsOf(schema: Json | undefined): string[] {
  if (!isJsonObject(schema)) return [];
  const { const: only, enum: some } = schema;
  const values = Array.isArray(some) ? some : only === undefined ? [] : [only];
  const texts = values.filter((each) => typeof each === "string");
  return texts.length === values.length ? texts : [];
}

function isNull(schema: Json): boolean {
  return isJsonObject(schema) && schema.type === "null";
}

function withoutNull(schema: JsonObject): JsonObject {
  const { type } = schema;
  if (!Array.isArray(type)) return schema;
  const [only = "anything", ...more] = type.filter((each) => each !== "null");
  return { ...schema, type: more.length === 0 ? only : type };
}
