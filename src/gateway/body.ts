/** Bodies of requests, checked by their schema. */
import type { Context } from "hono";
import * as z from "zod/mini";
import { ServantError } from "../core/errors.ts";
import { isNestedWithin, type Json } from "../core/json.ts";
import { problemOf } from "../wire/problem.ts";
import { textOf } from "./request-body.ts";

/** The longest body of a request about sessions, in bytes. */
const BODY_MAX_BYTES = 64 * 1024;

/** Objects and lists within each other. Python's JSON reads no more than some hundreds. */
const LEVELS_MAX = 64;

/**
 * None at all counts as `{}`.
 *
 * @throws {ServantError} `request.too-large`, `request.slow`; `request.malformed`, naming the members
 * that are wrong
 */
export async function bodyOf<T>(
  context: Context,
  schema: z.ZodMiniType<T>,
  maxBytes = BODY_MAX_BYTES,
): Promise<T> {
  const text = await textOf(context.req.raw, maxBytes);
  const subject = `the body of ${context.req.method} ${context.req.path}`;
  let value: Json;
  try {
    value = text.trim() === "" ? {} : (JSON.parse(text) as Json);
  } catch {
    // What the parser says quotes what it read: a password, perhaps.
    throw new ServantError("request.malformed", `Cannot read ${subject}: not JSON`);
  }
  // It counts those within the outermost.
  if (!isNestedWithin(value, LEVELS_MAX - 1)) {
    throw new ServantError("request.malformed", `Cannot use ${subject}: it nests too deeply`);
  }
  const parsed = z.safeParse(schema, value);
  if (parsed.success) return parsed.data;
  const { where, reason } = problemOf(parsed.error);
  const place = where === "" ? "" : `${where} is `;
  throw new ServantError("request.malformed", `Cannot use ${subject}: ${place}${reason}`);
}
