/** The library's `.osc`: a declaration of each action, and of the types that they need. */
import { isJsonObject, type Json } from "../core/json.ts";
import type { Declaration, Library } from "./declare.ts";
import { oneLine } from "./notes.ts";
import type { Quantity } from "./quantities.ts";
import type { TypeNames } from "./type-names.ts";
import type { Field, ItemType, MadeType, ValueType } from "./value-type.ts";

/** What is found by name around a declaration. */
interface Scope {
  /** The parameters or fields beside it, and its own. */
  readonly names: ReadonlySet<string>;
  readonly types: TypeNames;
}

/** The text of the library; `origin` says where it comes from, on one line. */
export function oscText(library: Library, origin: string): string {
  const { actors, actions, types } = library;
  const head = [
    `# ${origin}`,
    "#",
    "# What is not given is left out: then the plugin's own default holds. Quantities may be in any",
    "# unit of their type.",
    "import osc.types",
  ];
  const parts = [
    ...types.declared.map(({ name, type }) => declared(name, type, types)),
    ...actors.map((actor) => [`actor ${actor}`]),
    ...actions.map((action) => actionLines(action, types)),
  ];
  return [head, ...parts].map((lines) => `${lines.join("\n")}\n`).join("\n");
}

function declared(name: string, type: MadeType, types: TypeNames): string[] {
  if (type.is === "enum") return [`enum ${name}: [${type.members.join(", ")}]`];
  // Defaults of fields are the plugin's to fill in: a struct that was not given at all comes as its
  // fields, and is known by having none.
  const fields = type.fields.map((field) => fieldLine(field, type.fields, types, false));
  return block(`struct ${name}`, fields);
}

function actionLines({ name, description, fields }: Declaration, types: TypeNames): string[] {
  const lines = fields.map((field) => fieldLine(field, fields, types, true));
  return [
    ...(description === undefined ? [] : [`# ${description}`]),
    ...block(`action ${name}`, lines),
  ];
}

function block(head: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [head] : [`${head}:`, ...lines.map((line) => `    ${line}`)];
}

function fieldLine(
  field: Field,
  siblings: readonly Field[],
  types: TypeNames,
  hasDefaults: boolean,
): string {
  const { type, isOptional, default: usual, notes } = field;
  const scope = { names: new Set(siblings.map(({ name }) => name)), types };
  const said = hasDefaults ? defaultText(field, scope) : undefined;
  const told = [...notes];
  const inner = type.is === "list" ? type.of : type;
  const hidden = hiddenQuantity(inner, scope);
  if (hidden !== undefined) told.unshift(`a ${hidden.type}, in ${hidden.si}`);
  if (inner.is === "quantity" && inner.quantity.type === "temperature") told.push("write it in K");
  if (said === undefined && usual !== undefined) told.push(`default ${JSON.stringify(usual)}`);
  else if (said === undefined && isOptional) told.push("optional");
  const comment = told.length === 0 ? "" : `  # ${told.map(oneLine).join("; ")}`;
  return `${declarationText(field, scope, said)}${comment}`;
}

/** `arm.move_to(to: arm_pose, pace: speed = 0.1mps)`, for people. */
export function signatureText({ name, fields }: Declaration, types: TypeNames): string {
  const scope = { names: new Set(fields.map((each) => each.name)), types };
  const told = fields.map((field) => declarationText(field, scope, defaultText(field, scope)));
  return `${name}(${told.join(", ")})`;
}

function declarationText({ name, type }: Field, scope: Scope, said: string | undefined): string {
  return `${name}: ${typeText(type, scope)}${said === undefined ? "" : ` = ${said}`}`;
}

function defaultText({ type, default: usual }: Field, scope: Scope): string | undefined {
  return usual === undefined ? undefined : valueText(type, usual, scope);
}

/**
 * A sibling is called as the quantity is: the client would take that for the type, and never come to
 * an end. It takes `2mps` for a float, too.
 */
function hiddenQuantity(type: ItemType, { names }: Scope): Quantity | undefined {
  const isHidden = type.is === "quantity" && names.has(type.quantity.type);
  return isHidden ? type.quantity : undefined;
}

function typeText(type: ValueType, scope: Scope): string {
  if (type.is === "list") return `list of ${typeText(type.of, scope)}`;
  if (type.is === "enum" || type.is === "struct") return scope.types.of(type);
  if (type.is !== "quantity") return type.is;
  return hiddenQuantity(type, scope) === undefined ? type.quantity.type : "float";
}

/** Undefined when OSC2 has no word for it: an empty list, a value of another type. */
function valueText(type: ValueType, value: Json, scope: Scope): string | undefined {
  switch (type.is) {
    case "bool":
      return typeof value === "boolean" ? String(value) : undefined;
    case "int":
      return Number.isSafeInteger(value) ? String(value) : undefined;
    case "float":
      return typeof value === "number" ? floatText(value) : undefined;
    case "quantity": {
      if (typeof value !== "number") return undefined;
      const isBare = hiddenQuantity(type, scope) !== undefined;
      return `${floatText(value)}${isBare ? "" : type.quantity.unit}`;
    }
    case "string":
      return typeof value === "string" ? textText(value) : undefined;
    case "enum": {
      const isMember = typeof value === "string" && type.members.includes(value);
      return isMember ? `${scope.types.of(type)}!${value}` : undefined;
    }
    case "list":
      return listText(type.of, value, scope);
    case "struct":
      return structText(type, value, scope);
  }
}

function listText(of: ItemType, value: Json, scope: Scope): string | undefined {
  if (!Array.isArray(value) || value.length === 0) return undefined;
  const items = value.map((each) => valueText(of, each, scope));
  return items.includes(undefined) ? undefined : `[${items.join(", ")}]`;
}

/** With the fields that are given: a plugin fills in the rest. */
function structText(
  type: Extract<MadeType, { is: "struct" }>,
  value: Json,
  { types }: Scope,
): string | undefined {
  if (!isJsonObject(value)) return undefined;
  const scope = { names: new Set(type.fields.map(({ name }) => name)), types };
  const given = Object.entries(value).map(([name, each]) => {
    const field = type.fields.find((one) => one.name === name);
    const text = field && valueText(field.type, each, scope);
    return text && `${name}: ${text}`;
  });
  if (given.length === 0 || given.includes(undefined)) return undefined;
  return `${types.of(type)}(${given.join(", ")})`;
}

/** Always with a fraction: the client takes `2` for an integer, which is no default of a float. */
function floatText(value: number): string {
  const [digits = "", exponent] = String(value).split("e");
  const fraction = digits.includes(".") ? digits : `${digits}.0`;
  return exponent === undefined ? fraction : `${fraction}e${exponent}`;
}

/** The client reads anything but ASCII as Latin-1: it is written as escapes. */
function textText(value: string): string {
  const escaped = [...value].map((each) => {
    if (/[ -~]/.test(each)) return /["'\\]/.test(each) ? `\\${each}` : each;
    return `\\U${(each.codePointAt(0) ?? 0).toString(16).padStart(8, "0")}`;
  });
  return `"${escaped.join("")}"`;
}
