/** The commands of ZMTP 3.1 that a REQ and a REP exchange: READY, ERROR, PING and PONG. */
import { printable } from "../../core/printable.ts";
import { malformed } from "./frame-reader.ts";
import { encodeCommand } from "./frames.ts";

export interface Command {
  readonly name: string;
  readonly data: Uint8Array;
}

/** What a peer says of itself in its READY. */
export interface Introduction {
  /** `REQ`, `DEALER` ... as it spells it. */
  readonly socketType: string;
  /** What it wants to be called by a ROUTER; empty as a rule. */
  readonly routingId: Uint8Array;
}

const LENGTH_BYTES = 4;
const TTL_BYTES = 2;
/** The unit of a PING's time to live, in milliseconds. */
const TTL_UNIT_MS = 100;
/** What a PING may bring along for its PONG, in bytes; of more, libzmq too sends back the beginning. */
const CONTEXT_BYTES = 16;

const text = new TextDecoder("latin1");
const bytes = new TextEncoder();

/** "Are you there?", without a time to live. */
export const PING = encodeCommand("PING", new Uint8Array(TTL_BYTES));

/** @throws {ServantError} `zmtp.malformed` */
export function readCommand(body: Uint8Array): Command {
  const end = 1 + (body[0] ?? 0);
  if (end === 1 || end > body.byteLength) throw malformed("a command without a name");
  return { name: text.decode(body.subarray(1, end)), data: body.subarray(end) };
}

/** The one property that others want to know. An empty identity is what libzmq's REQ adds. */
export function encodeReady(socketType: string): Uint8Array {
  const name = bytes.encode("Socket-Type");
  const value = bytes.encode(socketType);
  const data = Buffer.alloc(1 + name.length + LENGTH_BYTES + value.length);
  data[0] = name.length;
  data.set(name, 1);
  data.writeUInt32BE(value.length, 1 + name.length);
  data.set(value, 1 + name.length + LENGTH_BYTES);
  return encodeCommand("READY", data);
}

/** @throws {ServantError} `zmtp.malformed` */
export function readReady(data: Uint8Array): Introduction {
  let socketType = "";
  let routingId: Uint8Array = new Uint8Array();
  for (let at = 0; at < data.byteLength; ) {
    const nameEnd = at + 1 + (data[at] ?? 0);
    const start = nameEnd + LENGTH_BYTES;
    if (start > data.byteLength) throw malformed("its READY breaks off");
    const view = new DataView(data.buffer, data.byteOffset + nameEnd, LENGTH_BYTES);
    const end = start + view.getUint32(0);
    if (end > data.byteLength) throw malformed("its READY breaks off");
    const name = text.decode(data.subarray(at + 1, nameEnd)).toLowerCase();
    if (name === "socket-type") socketType = text.decode(data.subarray(start, end));
    else if (name === "identity") routingId = data.slice(start, end);
    at = end;
  }
  return { socketType, routingId };
}

/** What a PONG answers to a PING, and how long its sender allows silence: 0 for ever. */
export function readPing(data: Uint8Array): { pong: Uint8Array; ttlMs: number } {
  const [high, low] = data;
  if (high === undefined || low === undefined) throw malformed("a PING that breaks off");
  const context = data.subarray(TTL_BYTES, TTL_BYTES + CONTEXT_BYTES);
  return { pong: encodeCommand("PONG", context), ttlMs: (high * 256 + low) * TTL_UNIT_MS };
}

/** What an ERROR says. */
export function readError(data: Uint8Array): string {
  return printable(text.decode(data.subarray(1, 1 + (data[0] ?? 0))));
}
