/** Bodies of requests, checked by their schema. */
import type { Context } from "hono";
import * as z from "zod/mini";
import { ServantError } from "../core/errors.ts";

/**
 * None at all counts as `{}`.
 *
 * @throws {ServantError} `request.malformed`, naming the members that are wrong
 */
export async function bodyOf<T>(context: Context, schema: z.ZodMiniType<T>): Promise<T> {
  const text = await context.req.text();
  const subject = `the body of ${context.req.method} ${context.req.path}`;
  let value: unknown;
  try {
    value = text.trim() === "" ? {} : JSON.parse(text);
  } catch {
    // What the parser says quotes what it read: a password, perhaps.
    throw new ServantError("request.malformed", `Cannot read ${subject}: not JSON`);
  }
  const parsed = z.safeParse(schema, value);
  if (parsed.success) return parsed.data;
  const reason = z.prettifyError(parsed.error).replaceAll("\n", " ").slice(0, 500);
  throw new ServantError("request.malformed", `Cannot use ${subject}: ${reason}`);
}
