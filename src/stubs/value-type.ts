/** What an action of a scenario is called with, in the types that OSC2 has. */
import type { Json } from "../core/json.ts";
import type { Quantity } from "./quantities.ts";

export type ValueType = ItemType | { readonly is: "list"; readonly of: ItemType };
export type ItemType = PlainType | MadeType;
export type PlainType =
  | { readonly is: "bool" | "int" | "float" | "string" }
  | { readonly is: "quantity"; readonly quantity: Quantity };
/** A type that the library declares itself. */
export type MadeType =
  | { readonly is: "enum"; readonly title?: string; readonly members: readonly string[] }
  | { readonly is: "struct"; readonly title?: string; readonly fields: readonly Field[] };

/** A parameter of an action, or a field of a struct. */
export interface Field {
  readonly name: string;
  readonly type: ValueType;
  readonly isOptional: boolean;
  /** What the plugin takes when it is not given. */
  readonly default?: Json;
  /** What a person should know, each on one line. */
  readonly notes: readonly string[];
}
