/** A client's body: bounded in length, and in how long the client may pause within it. */
import { isServantError, ServantError } from "../core/errors.ts";

/** How long a client may be silent within a body that it has begun, in milliseconds. */
export const PATIENCE_MS = 10_000;
/** A body up to here is sent along with its head, in bytes. */
export const SMALL_BYTES = 64 * 1024;

/** The parts of a body, as they are asked for; undefined after the last. */
export type NextPart = () => Promise<Uint8Array | undefined>;

/** The length that is declared, if one is. */
export function lengthOf(headers: Headers): number | undefined {
  const length = headers.get("content-length");
  return length === null ? undefined : Number(length);
}

/**
 * Reads on only when it is asked for more: while the session takes none, the client's own socket
 * holds it up.
 *
 * @throws {ServantError} `request.too-large`, `request.slow`
 */
export function partsOf(
  { body }: Request,
  { maxBytes, patienceMs }: { readonly maxBytes: number; readonly patienceMs: number },
): NextPart {
  const reader = body?.getReader();
  let bytes = 0;
  return async () => {
    if (reader === undefined) return undefined;
    const { done, value } = await within(reader.read(), patienceMs);
    if (done) return undefined;
    bytes += value.byteLength;
    if (bytes > maxBytes) throw tooLarge(maxBytes);
    return value;
  };
}

/**
 * A body that the gateway reads itself, as text. All of it must come in time.
 *
 * @throws {ServantError} `request.too-large`, `request.slow`
 */
export async function textOf(request: Request, maxBytes: number): Promise<string> {
  if ((lengthOf(request.headers) ?? 0) > maxBytes) throw tooLarge(maxBytes);
  const next = partsOf(request, { maxBytes, patienceMs: PATIENCE_MS });
  const whole = async () => {
    const parts: Uint8Array[] = [];
    for (let part = await next(); part !== undefined; part = await next()) parts.push(part);
    return Buffer.concat(parts).toString();
  };
  return await within(whole(), PATIENCE_MS);
}

/**
 * What a client sends, if it comes in time.
 *
 * @throws {ServantError} `request.slow`, `request.abandoned`
 */
export async function within<T>(arriving: Promise<T>, patienceMs: number): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    const problem = `Cannot wait for the rest of the body: nothing came for ${patienceMs} ms`;
    reject(new ServantError("request.slow", problem));
  }, patienceMs);
  try {
    return await Promise.race([arriving, late]);
  } catch (cause) {
    throw isServantError(cause) ? cause : abandoned(cause);
  } finally {
    clearTimeout(timer);
  }
}

export function tooLarge(maxBytes: number): ServantError {
  const problem = `Cannot take the body: it is longer than ${maxBytes} bytes`;
  return new ServantError("request.too-large", problem);
}

/** The client has gone away. */
export function abandoned(cause?: unknown): ServantError {
  return new ServantError("request.abandoned", "Cannot go on: the client is gone", { cause });
}
