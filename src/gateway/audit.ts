/**
 * Who did what, and who was kept from it: one line of JSON each, in a file of the gateway's owner alone. No
 * password and no token is ever in it. What strangers cause is bounded, or they could fill the disk with it.
 */
import type { ErrorCode } from "../core/errors.ts";
import type { Clock } from "../core/ports.ts";
import { printable } from "../core/printable.ts";
import { networkOf } from "./peer.ts";

/** What people did. */
export type Deed =
  | "login"
  | "logout"
  | "session.create"
  | "session.extend"
  | "session.reset"
  | "session.stop"
  | "session.expire"
  | "session.die"
  | "users.change"
  | "start"
  | "stop";

export interface AuditEntry {
  /** A deed, "refused", or "unsaid": so many more refusals of this address. */
  readonly what: Deed | "refused" | "unsaid";
  /** Whose doing it was. A name that nobody has is left out: people type passwords there by mistake. */
  readonly who?: string | undefined;
  /** The address that it came from. */
  readonly from?: string | undefined;
  readonly session?: string | undefined;
  /** The session's owner. */
  readonly owner?: string | undefined;
  /** Of a refusal. */
  readonly code?: ErrorCode | undefined;
  /** Method and path. */
  readonly request?: string | undefined;
  readonly count?: number;
  readonly detail?: string | undefined;
}

/** Refusals a minute that are written of one address, and of all together. */
export const REFUSALS_MAX = 30;
export const REFUSALS_MAX_OF_ALL = 600;
const MINUTE_MS = 60_000;
/** The longest text of an entry, in characters. */
const TEXT_MAX_CHARS = 256;

export interface AuditParts {
  readonly clock: Pick<Clock, "now" | "monotonic">;
  /** Writes one line, which has no line break in it, behind the others. */
  readonly write: (line: string) => void;
}

export class Audit {
  readonly #parts: AuditParts;
  /** Refusals of this minute, by network. */
  readonly #refusals = new Map<string, number>();
  #ofAll = 0;
  #unsaidOfAll = 0;
  #sinceMs: number;

  constructor(parts: AuditParts) {
    this.#parts = parts;
    this.#sinceMs = parts.clock.monotonic();
  }

  note(entry: AuditEntry): void {
    const told = Object.entries(entry).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, typeof value === "string" ? shown(value) : value]],
    );
    const time = new Date(this.#parts.clock.now()).toISOString();
    this.#parts.write(JSON.stringify({ time, ...Object.fromEntries(told) }));
  }

  refused(entry: Omit<AuditEntry, "what" | "from" | "count"> & { readonly from: string }): void {
    this.sweep();
    const network = networkOf(entry.from);
    if (this.#ofAll >= REFUSALS_MAX_OF_ALL && !this.#refusals.has(network)) {
      this.#unsaidOfAll += 1;
      return;
    }
    const count = (this.#refusals.get(network) ?? 0) + 1;
    this.#refusals.set(network, count);
    if (count > REFUSALS_MAX) return;
    this.#ofAll += 1;
    this.note({ what: "refused", ...entry });
  }

  /** Tells what was left out of the last minute, once it is over. */
  sweep(): void {
    const nowMs = this.#parts.clock.monotonic();
    if (nowMs - this.#sinceMs < MINUTE_MS) return;
    this.#sinceMs = nowMs;
    for (const [from, count] of this.#refusals) {
      if (count > REFUSALS_MAX) this.note({ what: "unsaid", from, count: count - REFUSALS_MAX });
    }
    if (this.#unsaidOfAll > 0) this.note({ what: "unsaid", count: this.#unsaidOfAll });
    this.#refusals.clear();
    this.#ofAll = 0;
    this.#unsaidOfAll = 0;
  }
}

/** JSON keeps lines whole; what would steer the terminal of whoever reads them is made visible as well. */
function shown(text: string): string {
  return printable(text.slice(0, TEXT_MAX_CHARS));
}
