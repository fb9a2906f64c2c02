/** Actions of any kind that OSC2 has types for, with something to call each with. */
import fc from "fast-check";
import { z } from "zod";
import type { Json, JsonObject } from "../../src/core/json.ts";
import type { Library } from "../../src/stubs/declare.ts";
import type { Field, ValueType } from "../../src/stubs/value-type.ts";

export interface AnyAction {
  readonly schema: z.ZodObject;
  readonly description: string;
  /** What a scenario gives: it leaves out what need not be. */
  readonly given: JsonObject;
}

/** A schema and a value that it takes. */
interface Pair {
  readonly schema: z.ZodType;
  /** Several of one type, for lists. */
  readonly values: readonly [Json, ...Json[]];
}

/** Those of quantities among them, and of what the library declares itself. */
const NAMES = "x y speed time length angle mass goal mode arm pose yaw v1 A_b Type".split(" ");
/** What a person may write about a machine, and what would end a comment or a text. */
export const prose = fc.oneof(
  fc.string({ unit: "grapheme" }),
  fc.constantFrom(
    "",
    '"""',
    "a\nb",
    "'''\\",
    "# a */ /* b",
    "\u2028\r\f\u0085x",
    '\\" ; import os',
  ),
);
const text = fc.oneof(
  fc.string({ unit: "grapheme" }),
  fc.constantFrom("café 😀", "a\"b'c\\d\n\te", "{x}", "\u0000"),
);
const fraction = fc.double({ noNaN: true, noDefaultInfinity: true }).map((each) => each || 0);
const number = fc.oneof(fraction, fc.integer());
const several = <T extends Json>(value: fc.Arbitrary<T>) =>
  fc.array(value, { minLength: 1, maxLength: 3 }) as fc.Arbitrary<[T, ...T[]]>;

const leaf: fc.Arbitrary<Pair> = fc.oneof(
  several(number).map((values) => ({ schema: z.number(), values })),
  several(fc.maxSafeInteger()).map((values) => ({ schema: z.int(), values })),
  several(fc.boolean()).map((values) => ({ schema: z.boolean(), values })),
  several(text).map((values) => ({ schema: z.string(), values })),
  fc
    .tuple(several(number), fc.constantFrom("m", "s", "m/s", "rad", "kg", "K", "N"))
    .map(([values, unit]) => ({ schema: z.number().meta({ unit }), values })),
  fc
    .uniqueArray(fc.constantFrom("fast", "slow", "Off", "x", "half_open"), { minLength: 1 })
    .chain((members) =>
      several(fc.constantFrom(...members)).map((values) => ({ schema: z.enum(members), values })),
    ),
);

const FEW = { minLength: 1, maxLength: 4 };
/** Its first field is always given: a struct that says nothing is as one that is not given. */
function struct(depth: number): fc.Arbitrary<Pair & { readonly schema: z.ZodObject }> {
  const fields = fc
    .uniqueArray(fc.constantFrom(...NAMES), FEW)
    .chain((names) =>
      fc.tuple(...names.map((name, index) => field(name, index === 0, index === 0 ? 0 : depth))),
    );
  return fields.map((each) => {
    const shape = Object.fromEntries(each.map(({ name, schema }) => [name, schema]));
    const value = (count: number) =>
      Object.fromEntries(
        each.flatMap(({ name, values }) => {
          const one = values[count % values.length];
          return one === undefined ? [] : [[name, one] as const];
        }),
      );
    return { schema: z.object(shape), values: [value(0), value(1)] as const };
  });
}

function field(name: string, isNeeded: boolean, depth: number) {
  const how = isNeeded
    ? fc.constant("needed")
    : fc.constantFrom("needed", "optional", "absent", "default", "default absent");
  return fc.tuple(pair(depth), how, prose).map(([{ schema, values }, kind, description]) => {
    const isAbsent = kind.endsWith("absent");
    const told = description === "" ? schema : schema.describe(description);
    const optional = kind.startsWith("default") ? withDefault(told, values[0]) : told.optional();
    return {
      name,
      schema: kind === "needed" ? told : optional,
      values: isAbsent ? [undefined] : values,
    };
  });
}

/** The default of an object has to be whole, unless it is taken for what was given. */
function withDefault(schema: z.ZodType, value: Json): z.ZodType {
  const isMade = schema instanceof z.ZodObject || schema instanceof z.ZodArray;
  return isMade ? z.prefault(schema, value as JsonObject) : schema.default(value);
}

function pair(depth: number): fc.Arbitrary<Pair> {
  if (depth === 0) return leaf;
  const item = fc.oneof(
    { weight: 2, arbitrary: leaf },
    { weight: 1, arbitrary: struct(depth - 1) },
  );
  const list = item.map(({ schema, values }) => ({
    schema: z.array(schema),
    values: [[...values], [values[0]]] as [Json, ...Json[]],
  }));
  return fc.oneof(item, list);
}

export const anyAction: fc.Arbitrary<AnyAction> = fc
  .tuple(struct(2), prose)
  .map(([{ schema, values }, description]) => ({
    ...{ schema, description, given: values[0] as JsonObject },
  }));

/** A call of an action with these arguments, as a scenario writes it. */
export function callText(
  name: string,
  fields: readonly Field[],
  given: JsonObject,
  types: Library["types"],
) {
  return `${name}(${argumentsText(fields, given, types)})`;
}

function argumentsText(
  fields: readonly Field[],
  given: JsonObject,
  types: Library["types"],
): string {
  return Object.entries(given)
    .map(([name, value]) => {
      const type = fields.find((each) => each.name === name)?.type;
      if (type === undefined) throw new Error(`no field ${name}`);
      return `${name}: ${valueText(type, value, types)}`;
    })
    .join(", ");
}

function valueText(type: ValueType, value: Json, types: Library["types"]): string {
  if (type.is === "list") {
    return `[${(value as readonly Json[]).map((each) => valueText(type.of, each, types)).join(", ")}]`;
  }
  if (type.is === "struct") {
    return `${types.of(type)}(${argumentsText(type.fields, value as JsonObject, types)})`;
  }
  if (type.is === "enum") return `${types.of(type)}!${value}`;
  if (type.is === "quantity") return `${numberText(value as number)}${type.quantity.unit}`;
  if (typeof value === "number") return numberText(value);
  if (typeof value === "string") {
    return `"${[...value].map((each) => `\\U${each.codePointAt(0)?.toString(16).padStart(8, "0")}`).join("")}"`;
  }
  return String(value);
}

/** With a fraction or without, as people write it. */
function numberText(value: number): string {
  const [digits = "", exponent] = String(value).split("e");
  const isWhole = Number.isInteger(value) && !Number.isSafeInteger(value);
  if (exponent === undefined) return isWhole ? `${digits}.0` : digits; // longer ones fit no integer
  return `${digits.includes(".") ? digits : `${digits}.0`}e${exponent}`;
}
