/**
 * The words of the gateway: who may come in, what is theirs, and what it is handed of the outside world.
 * The contract is "The gateway" of DYNOS over HTTP.
 */
import type { JsonObject } from "./json.ts";

export const roles = ["user", "admin"] as const;
export type Role = (typeof roles)[number];

/** Somebody who has shown a token that is good now. */
export interface Person {
  readonly username: string;
  readonly role: Role;
}

/**
 * What becomes of a session: "dead" when its process has ended by itself (a reset revives it); "stopped" and
 * "expired" are its end, and such a session is not known any more.
 */
export type SessionStatus = "running" | "dead" | "stopped" | "expired";

/** A private backend of one person. Immutable: each change is a new value under the same id. */
export interface Session {
  /** A uuid; also the name of its folder. */
  readonly id: string;
  readonly owner: string;
  readonly label: string;
  /** Seconds without a request after which it expires; 1 to `SESSION_TIMEOUT_MAX_S`. */
  readonly timeoutS: number;
  /** As it was asked for, echoed. */
  readonly config: JsonObject;
  readonly createdAtMs: number;
  readonly lastActiveAtMs: number;
  /** What is left of its time if nobody asks for it. */
  readonly expiresInMs: number;
  readonly status: SessionStatus;
  /** Where its process listens, on 127.0.0.1. */
  readonly port: number;
  readonly logPath: string;
}

export const SESSION_TIMEOUT_DEFAULT_S = 172_800;
export const SESSION_TIMEOUT_MAX_S = 604_800;

/** The header by which the gateway shows its secret to a session's process; it never leaves the machine. */
export const GATEWAY_SECRET_HEADER = "servant-gateway-secret";

/** Of a session: `expires in 59 min unless it is used or extended`, for people. */
export function expiryText(seconds: number): string {
  const minutes = Math.max(Math.floor(seconds / 60), 1);
  return `expires in ${minutes} min unless it is used or extended: agent session extend`;
}
