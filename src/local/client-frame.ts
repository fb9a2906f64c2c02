/** What a client of the stream says, checked: in a frame, or in the address it came by. */
import { messageOf } from "../core/errors.ts";
import { ClientFrame, Subscribe } from "../wire/local.ts";
import { problemOf } from "../wire/problem.ts";
import { decodeCbor } from "./cbor.ts";
import type { Encoding } from "./topic.ts";

/** Close codes of RFC 6455, 7.4.1. */
export const CLOSE = {
  goingAway: 1001,
  unsupported: 1003,
  invalid: 1007,
  policy: 1008,
  failed: 1011,
  tryLater: 1013,
} as const;

/** Why a client is sent away. */
export class Refusal extends Error {
  readonly closeCode: number;

  constructor(closeCode: number, reason: string) {
    super(reason);
    this.closeCode = closeCode;
  }
}

/** @throws {Refusal} */
export function subscriptionIn(message: string | Uint8Array, encoding: Encoding): Subscribe {
  if ((typeof message === "string") !== (encoding === "json")) {
    const wanted = encoding === "json" ? "text" : "binary";
    throw new Refusal(CLOSE.unsupported, `frames of this protocol are ${wanted}`);
  }
  const parsed = ClientFrame.safeParse(decoded(message));
  if (!parsed.success) throw new Refusal(CLOSE.policy, told(parsed.error, "frame"));
  return parsed.data.subscribe;
}

function decoded(message: string | Uint8Array): unknown {
  try {
    return typeof message === "string" ? JSON.parse(message) : decodeCbor(message);
  } catch (cause) {
    const name = typeof message === "string" ? "JSON" : "CBOR";
    throw new Refusal(CLOSE.invalid, `not ${name}: ${messageOf(cause)}`);
  }
}

/**
 * `?level=warn&source=plugin&source=agent&since=10m`, as frames say it; undefined when nothing is
 * asked for.
 *
 * @throws {Refusal}
 */
export function subscriptionOf(query: URLSearchParams): Subscribe | undefined {
  if (query.size === 0) return undefined;
  const since = query.get("since");
  const parsed = Subscribe.safeParse({
    ...Object.fromEntries([...query].filter(([name]) => name !== "source")),
    ...(query.has("source") ? { sources: query.getAll("source") } : {}),
    ...(since !== null && /^\d{1,16}$/.test(since) ? { since: Number(since) } : {}),
  });
  if (!parsed.success) throw new Refusal(CLOSE.policy, told(parsed.error, "query"));
  return parsed.data;
}

/** In a close frame's few bytes, or in an answer. */
function told(error: Parameters<typeof problemOf>[0], whole: string): string {
  const { where, reason } = problemOf(error);
  return `${where || whole}: ${reason}`;
}
