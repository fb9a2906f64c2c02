/**
 * The blocks of a mission, as clients post them. Their shape is checked at once, what they name
 * when they start: a block may name an object that an earlier one makes.
 */
import * as z from "zod/mini";
import { ServantError } from "../core/errors.ts";
import { isJsonObject, type Json } from "../core/json.ts";
import type { Block } from "../core/mission.ts";
import { JsonValue } from "./dynos.ts";

/** Order blocks nest so deep at most. */
export const BLOCK_DEPTH_MAX = 50;
/** Blocks of one mission, nested ones included. */
export const BLOCKS_MAX = 10_000;

const Text = z.string().check(z.minLength(1));
export const ActionBlock = z.looseObject({
  type: z.literal("action"),
  action: Text,
  params: z.nullish(z.record(z.string(), JsonValue)),
});
export const PlanBlock = z.looseObject({ type: z.literal("plan"), goal: z.array(z.string()) });
export const OrderBlock = z.looseObject({
  type: z.literal("order"),
  name: z._default(z.string(), ""),
  children: z._default(z.array(JsonValue), []),
});
/** The body of `POST /execute_blocks`. */
export const BlocksRequest = z.looseObject({ blocks: z.array(JsonValue) });

/**
 * The blocks of a list that a client sent.
 *
 * @throws {ServantError} `request.malformed`, naming the block and what is wrong with it.
 */
export function readBlocks(values: readonly Json[]): Block[] {
  let count = 0;
  const read = (value: Json, where: string, depth: number): Block => {
    count += 1;
    if (count > BLOCKS_MAX) throw malformed(where, `there are more than ${BLOCKS_MAX} blocks`);
    if (depth > BLOCK_DEPTH_MAX) throw malformed(where, `it nests deeper than ${BLOCK_DEPTH_MAX}`);
    const type = isJsonObject(value) ? value.type : undefined;
    if (type === "action") {
      const { action, params } = checked(ActionBlock, value, where);
      return { type, action, params: params ?? {} };
    }
    if (type === "plan") return { type, goal: checked(PlanBlock, value, where).goal };
    if (type === "order") {
      const { name, children } = checked(OrderBlock, value, where);
      const inner = children.map((each, at) => read(each, `${where}.children[${at}]`, depth + 1));
      return { type, name, children: inner };
    }
    const shown = JSON.stringify(type ?? null).slice(0, 100);
    throw malformed(where, `its type is ${shown}, not "action", "plan" or "order"`);
  };
  return values.map((value, at) => read(value, `blocks[${at}]`, 1));
}

function checked<T>(schema: z.ZodMiniType<T>, value: Json, where: string): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw malformed(where, z.prettifyError(parsed.error).replaceAll("\n", " ").slice(0, 500));
}

function malformed(where: string, reason: string): ServantError {
  // The path of a block that nests deep is long: its ends say enough.
  const shown = where.length > 120 ? `${where.slice(0, 60)}...${where.slice(-60)}` : where;
  return new ServantError("request.malformed", `Cannot use ${shown}: ${reason}`);
}
