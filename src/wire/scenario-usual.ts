/**
 * The two requests that come again and again, ten updates and a heartbeat a second from each client: as
 * a stock client writes them they differ in their id alone. Read as any other, value by value, they took
 * a third of what a server of 64 clients takes of the processor.
 */
import type { ActionId, Request } from "./scenario.ts";
import { encodeMap, textOf } from "./scenario-msgpack.ts";

const HEARTBEAT = encodeMap({ cmd: "heartbeat", payload: {} });
/** Up to the id, whose text is the last of it. */
const UPDATE = encodeMap({ cmd: "update", payload: { action_id: "" } }).subarray(0, -1);
/** A text whose length is in the byte that follows, as that of a UUID is written. */
const STR8 = 0xd9;
const ID_AT = UPDATE.length + 2;
const ID_MAX_BYTES = 200;

/** Undefined: it is none of them, or not written as usual. */
export function usualRequest(body: Uint8Array): Request | undefined {
  if (begins(body, UPDATE)) {
    const id = usualId(body);
    return id === undefined ? undefined : { cmd: "update", actionId: id };
  }
  const isHeartbeat = body.length === HEARTBEAT.length && begins(body, HEARTBEAT);
  return isHeartbeat ? { cmd: "heartbeat" } : undefined;
}

/** Of ASCII, and the last of the body. */
function usualId(body: Uint8Array): ActionId | undefined {
  const bytes = body.length - ID_AT;
  if (bytes < 1 || bytes > ID_MAX_BYTES) return undefined;
  if (body[ID_AT - 2] !== STR8 || body[ID_AT - 1] !== bytes) return undefined;
  for (let at = ID_AT; at < body.length; at += 1) if ((body[at] as number) > 0x7f) return undefined;
  return textOf(body.slice(ID_AT)) as ActionId;
}

function begins(body: Uint8Array, head: Uint8Array): boolean {
  for (let at = 0; at < head.length; at += 1) if (body[at] !== head[at]) return false;
  return true;
}
