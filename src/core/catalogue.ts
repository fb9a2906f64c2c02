/**
 * What a plugin's actions are called with, as dialects publish it: a name, a line that reads like a
 * function's, and what it does. Plain data, bounded in size.
 */
import type { HandlerMark, ParamsSchema } from "./handlers.ts";
import { isJsonObject, isShorterThan, type Json, type JsonObject } from "./json.ts";

export interface CommandParam {
  readonly name: string;
  /** As text: `number`, `"fast" | "slow"`, the object type of a transition's parameter. */
  readonly type: string;
  readonly isOptional: boolean;
  readonly default?: Json;
}

export interface Command {
  readonly name: string;
  /** `(settle_ms: number = 500, note?: string)`; `(...)` when its schema cannot say. */
  readonly signature: string;
  /** What it does, and on a line each what its parameters mean; may be empty. */
  readonly doc: string;
  readonly params: readonly CommandParam[];
}

const PARAMS_MAX = 64;
/** Of a type or a default, in characters. */
const TEXT_MAX_CHARS = 200;
export const DOC_MAX_CHARS = 4_000;
/** How deep a type is told. */
const LEVELS_MAX = 4;
/** What stands for parameters that nobody can tell. */
const UNTOLD = "(...)";

export type ActionMark = Extract<HandlerMark, { kind: "action" }>;
type Described = CommandParam & { readonly description?: string };

export function commandOf(mark: ActionMark): Command {
  const { name, options } = mark;
  const told = paramsOf(mark);
  const notes = (told ?? []).flatMap((each) =>
    each.description === undefined ? [] : [`${each.name}: ${each.description}`],
  );
  const lines = [...(options.description === undefined ? [] : [options.description]), ...notes];
  return {
    name,
    signature: told === undefined ? UNTOLD : `(${told.map(paramText).join(", ")})`,
    doc: cut(lines.join("\n"), DOC_MAX_CHARS),
    params: (told ?? []).map(({ description: _, ...param }) => param),
  };
}

/**
 * What its parameters must be, as JSON Schema; those of a transition name objects. Undefined when it
 * cannot be told.
 */
export function schemaOf({ schema, transition }: ActionMark): JsonObject | undefined {
  if (transition !== undefined) {
    const { params } = transition.def;
    const named = params.map(({ name, type }) => {
      return [name, { type: "string", description: `the name of a ${type}` }] as const;
    });
    const required = params.filter(({ optional }) => optional !== true).map(({ name }) => name);
    return { type: "object", properties: Object.fromEntries(named), required };
  }
  const shape = schema === undefined ? undefined : jsonSchemaOf(schema);
  return isJsonObject(shape) ? shape : undefined;
}

/** Undefined when they cannot be told. */
function paramsOf({ schema, transition }: ActionMark): Described[] | undefined {
  if (transition !== undefined) {
    return transition.def.params.map(({ name, type, optional = false }) => ({
      ...{ name, type, isOptional: optional },
    }));
  }
  const shape = schema === undefined ? undefined : jsonSchemaOf(schema);
  if (!isJsonObject(shape) || !isJsonObject(shape.properties)) return undefined;
  const required = Array.isArray(shape.required) ? shape.required : [];
  const told = Object.entries(shape.properties).slice(0, PARAMS_MAX);
  return told.map(([name, each]) => paramOf(name, each, required.includes(name)));
}

function paramOf(name: string, schema: Json, isRequired: boolean): Described {
  const { default: usual, description, unit } = isJsonObject(schema) ? schema : {};
  const meaning = [description, typeof unit === "string" ? `in ${unit}` : undefined]
    .filter((each) => typeof each === "string")
    .join(", ");
  const hasDefault = usual !== undefined && isShorterThan(usual, TEXT_MAX_CHARS);
  return {
    ...{ name, type: cut(typeText(schema), TEXT_MAX_CHARS), isOptional: !isRequired },
    ...(hasDefault ? { default: usual } : {}),
    ...(meaning === "" ? {} : { description: meaning }),
  };
}

/** By the interface that zod and others share; a schema that JSON cannot tell throws there. */
function jsonSchemaOf(schema: ParamsSchema): Json | undefined {
  const { "~standard": standard } = schema as {
    readonly "~standard"?: {
      readonly jsonSchema?: { input?(options: { readonly target: string }): unknown };
    };
  };
  try {
    const shape = standard?.jsonSchema?.input?.({ target: "draft-2020-12" });
    return shape === undefined ? undefined : (JSON.parse(JSON.stringify(shape)) as Json);
  } catch {
    return undefined;
  }
}

function paramText(param: CommandParam): string {
  const { name, type, isOptional } = param;
  if (param.default !== undefined) return `${name}: ${type} = ${JSON.stringify(param.default)}`;
  return `${name}${isOptional ? "?" : ""}: ${type}`;
}

function typeText(schema: Json, level = 0): string {
  if (!isJsonObject(schema) || level > LEVELS_MAX) return "any";
  const inner = (each: Json) => typeText(each, level + 1);
  const { anyOf, const: only, enum: some, oneOf, type } = schema;
  if (only !== undefined) return JSON.stringify(only);
  if (Array.isArray(some)) return some.map((each) => JSON.stringify(each)).join(" | ");
  const either = anyOf ?? oneOf;
  if (Array.isArray(either)) return either.map(inner).join(" | ");
  if (Array.isArray(type)) return type.join(" | ");
  if (type === "array") return listText(schema, inner);
  if (type === "object") return objectText(schema, inner);
  return typeof type === "string" ? type : "any";
}

function listText({ items, prefixItems }: JsonObject, inner: (each: Json) => string): string {
  if (Array.isArray(prefixItems)) return `[${prefixItems.map(inner).join(", ")}]`;
  const text = inner(items ?? true);
  return text.includes(" ") ? `(${text})[]` : `${text}[]`;
}

function objectText(schema: JsonObject, inner: (each: Json) => string): string {
  const { additionalProperties, properties, required = [] } = schema;
  const needed = Array.isArray(required) ? required : [];
  if (isJsonObject(properties)) {
    const members = Object.entries(properties).map(
      ([name, each]) => `${name}${needed.includes(name) ? "" : "?"}: ${inner(each)}`,
    );
    return members.length === 0 ? "{}" : `{ ${members.join(", ")} }`;
  }
  return isJsonObject(additionalProperties) ? `{ [name]: ${inner(additionalProperties)} }` : "{}";
}

function cut(text: string, chars: number): string {
  return text.length <= chars ? text : `${text.slice(0, chars - 3)}...`;
}
