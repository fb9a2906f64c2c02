/**
 * Who did what, and who was kept from it: one line of JSON each, in a file of the gateway's owner alone. No
 * password and no token is ever in it. What anybody causes is bounded, or they could fill the disk with it, or
 * wash away what is to be read.
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
  /** A deed, "refused", or "unsaid": so many more of this person or this network. */
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

/** Refusals a minute that are written of one network, and of all together. */
export const REFUSALS_MAX = 30;
export const REFUSALS_MAX_OF_ALL = 600;
/** Deeds a minute that are written of one person: nobody washes away what they did by doing more. */
export const DEEDS_MAX = 120;
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
  /** Of this minute: deeds by person, refusals by network. */
  readonly #deeds = new Budget(DEEDS_MAX, Number.POSITIVE_INFINITY);
  readonly #refusals = new Budget(REFUSALS_MAX, REFUSALS_MAX_OF_ALL);
  #sinceMs: number;

  constructor(parts: AuditParts) {
    this.#parts = parts;
    this.#sinceMs = parts.clock.monotonic();
  }

  /** What the gateway itself does, and what becomes of sessions by themselves. */
  note(entry: AuditEntry): void {
    const told = Object.entries(entry).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, typeof value === "string" ? shown(value) : value]],
    );
    const time = new Date(this.#parts.clock.now()).toISOString();
    this.#parts.write(JSON.stringify({ time, ...Object.fromEntries(told) }));
  }

  did(entry: AuditEntry & { readonly what: Deed; readonly who: string }): void {
    this.sweep();
    if (this.#deeds.take(entry.who)) this.note(entry);
  }

  refused(entry: Omit<AuditEntry, "what" | "from" | "count"> & { readonly from: string }): void {
    this.sweep();
    if (this.#refusals.take(networkOf(entry.from))) this.note({ what: "refused", ...entry });
  }

  /** Tells what was left out of the last minute, once it is over. */
  sweep(): void {
    const nowMs = this.#parts.clock.monotonic();
    if (nowMs - this.#sinceMs < MINUTE_MS) return;
    this.#sinceMs = nowMs;
    for (const [who, count] of this.#deeds.empty()) this.note({ what: "unsaid", who, count });
    for (const [from, count] of this.#refusals.empty()) this.note({ what: "unsaid", from, count });
  }
}

/** So many of one, and so many of all; how many there were beyond. */
class Budget {
  readonly #maxOfOne: number;
  readonly #maxOfAll: number;
  /** By who had some. */
  readonly #taken = new Map<string, number>();
  readonly #beyond = new Map<string, number>();
  #ofAll = 0;
  /** Of those who had none at all. */
  #beyondOfOthers = 0;

  constructor(maxOfOne: number, maxOfAll: number) {
    this.#maxOfOne = maxOfOne;
    this.#maxOfAll = maxOfAll;
  }

  take(who: string): boolean {
    const taken = this.#taken.get(who) ?? 0;
    const isLeft = taken < this.#maxOfOne && this.#ofAll < this.#maxOfAll;
    if (isLeft) {
      this.#taken.set(who, taken + 1);
      this.#ofAll += 1;
    } else if (taken > 0) this.#beyond.set(who, (this.#beyond.get(who) ?? 0) + 1);
    else this.#beyondOfOthers += 1; // they are not remembered: they may be very many
    return isLeft;
  }

  /** Begins anew; returns how many there were beyond, without a name for the others together. */
  empty(): [who: string | undefined, count: number][] {
    const others = this.#beyondOfOthers;
    const all: [string | undefined, number][] = [...this.#beyond];
    if (others > 0) all.push([undefined, others]);
    this.#taken.clear();
    this.#beyond.clear();
    this.#ofAll = 0;
    this.#beyondOfOthers = 0;
    return all;
  }
}

/** JSON keeps lines whole; what would steer the terminal of whoever reads them is made visible as well. */
function shown(text: string): string {
  return printable(text.slice(0, TEXT_MAX_CHARS));
}
