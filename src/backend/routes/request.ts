/** Reading requests: bodies checked by their schema, wishes in headers. */
import type { Context } from "hono";
import "../../wire/english.ts";
import * as z from "zod/mini";
import { messageOf, ServantError } from "../../core/errors.ts";
import { isFiniteWithin, isNestedWithin, type Json } from "../../core/json.ts";

/** The longest body that is read unless the options say otherwise, in bytes. */
export const BODY_MAX_BYTES = 16 * 1024 * 1024;

/**
 * The body of a request; none at all counts as `{}`.
 *
 * @throws {ServantError} `request.malformed`, naming the members that are wrong.
 */
export async function bodyOf<T>(context: Context, schema: z.core.$ZodType<T>): Promise<T> {
  const text = await context.req.text();
  const subject = `the body of ${context.req.method} ${context.req.path}`;
  let value: Json;
  try {
    value = text.trim() === "" ? {} : (JSON.parse(text) as Json);
  } catch (cause) {
    const reason = cause instanceof SyntaxError ? `: ${messageOf(cause).slice(0, 200)}` : "";
    const problem = `Cannot read ${subject}: not JSON${reason}`;
    throw new ServantError("request.malformed", problem, { cause });
  }
  // It goes out again in answers to others: what cannot be written must not come in.
  if (!isNestedWithin(value)) {
    throw new ServantError("request.malformed", `Cannot use ${subject}: it nests too deep`);
  }
  if (!isFiniteWithin(value)) {
    throw new ServantError("request.malformed", `Cannot use ${subject}: a number is too large`);
  }
  return checked(subject, value, schema);
}

/**
 * What stands behind the `?` of a request; what the schema does not know is left out.
 *
 * @throws {ServantError} `request.malformed`, naming what may stand there
 */
export function queryOf<T>({ req }: Context, schema: z.core.$ZodType<T>): T {
  const path = req.path.slice(0, 200);
  return checked(`the query of ${req.method} ${path}`, req.query(), schema);
}

function checked<T>(subject: string, value: Json, schema: z.core.$ZodType<T>): T {
  const parsed = z.safeParse(schema, value);
  if (parsed.success) return parsed.data;
  const reason = z.prettifyError(parsed.error).replaceAll("\n", " ").slice(0, 500);
  throw new ServantError("request.malformed", `Cannot use ${subject}: ${reason}`);
}

/** How long the client would like an empty answer to be held: `Prefer: wait=25` (RFC 7240). */
export function preferredWaitMs(prefer: string | undefined): number | undefined {
  const seconds = /(?:^|[,;])\s*wait\s*=\s*"?(\d{1,6})"?\s*(?=$|[,;])/i.exec(prefer ?? "")?.[1];
  return seconds === undefined ? undefined : Number(seconds) * 1_000;
}
