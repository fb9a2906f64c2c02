/** A mission: a named list of blocks, carried out in order. */
import type { JsonObject } from "./json.ts";

export type Block =
  /** One transition, with the names of objects by parameter. */
  | { readonly type: "action"; readonly action: string; readonly params: JsonObject }
  /** A goal to plan for; its atoms are read when the block starts. */
  | { readonly type: "plan"; readonly goal: readonly string[] }
  | { readonly type: "order"; readonly name: string; readonly children: readonly Block[] };
