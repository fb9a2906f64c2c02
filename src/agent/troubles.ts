/**
 * Results that the backend cannot take while it takes others: each waits by itself and holds up
 * nobody. After a few failures it waits aside, and is tried again each minute.
 */
import { backoffMs, type Random } from "../core/backoff.ts";
import type { EntryKey } from "../core/entry.ts";
import type { ServantError } from "../core/errors.ts";

/** Failures of one result, while others pass, after which it waits aside. */
export const STRIKES_MAX = 5;
/** How often one that waits aside is tried again, in milliseconds. */
export const ASIDE_RETRY_MS = 60_000;
/** A result that neither its own registration nor the present one knows is sent again so soon. */
export const UNCLAIMED_RETRY_MS = 5_000;
/**
 * It is given up only by a registration that lives: one that the backend forgot hears so at its
 * next poll. After so many answers one of them belongs to a poll that was sent after the failure.
 */
export const ANSWERS_PROVE_LIFE = 3;

/** The present registration, and what it has heard. */
export interface Presence {
  /** Counts up with each registration. */
  readonly registration: number;
  readonly pollsAnswered: number;
}
/** With so many in trouble the backlog waits: it is no longer the trouble of a few. */
const TROUBLES_MAX = 1_000;

interface Trouble {
  readonly strikes: number;
  /** When the present registration did not know it first. */
  readonly unclaimedIn: Presence | undefined;
  readonly isOld: boolean;
  /** How many results had passed when it was first in trouble. */
  readonly passed: number;
  /** Monotonic; undefined while it waits with all others. */
  readonly dueMs: number | undefined;
}

/** One failure of one result. */
export interface Failure {
  readonly key: EntryKey;
  readonly isOld: boolean;
  readonly error: ServantError;
  /** How many results had passed when it was sent, and have by now. */
  readonly passed: { readonly before: number; readonly now: number };
  /** Of the registration that sent it, while it is the present one. */
  readonly presence: Presence | undefined;
  readonly now: number;
  readonly random: Random;
}

export class Troubles {
  readonly #troubles = new Map<EntryKey, Trouble>();
  /** None is due before. */
  #earliestMs = Number.POSITIVE_INFINITY;

  get isCrowded(): boolean {
    return this.#troubles.size >= TROUBLES_MAX;
  }

  /** True for one that waits by itself. */
  isWaiting(key: EntryKey): boolean {
    return this.#troubles.get(key)?.dueMs !== undefined;
  }

  /** True when this registration was asked before, and has shown since that it lives. */
  isUnclaimedAgain(key: EntryKey, presence: Presence | undefined): boolean {
    const before = this.#troubles.get(key)?.unclaimedIn;
    if (presence === undefined || before?.registration !== presence.registration) return false;
    return presence.pollsAnswered >= before.pollsAnswered + ANSWERS_PROVE_LIFE;
  }

  /** Those that have waited long enough, and whether they were read from the journal. */
  due(now: number): readonly { key: EntryKey; isOld: boolean }[] {
    if (now < this.#earliestMs) return [];
    this.#earliestMs = Number.POSITIVE_INFINITY;
    const due: { key: EntryKey; isOld: boolean }[] = [];
    for (const [key, { dueMs = Number.POSITIVE_INFINITY, isOld }] of this.#troubles) {
      if (dueMs <= now) due.push({ key, isOld });
      this.#earliestMs = Math.min(this.#earliestMs, dueMs);
    }
    return due;
  }

  /** How many wait by themselves, in the journal alone, beside those that `isSent` tells. */
  countOld(isSent: (key: EntryKey) => boolean): number {
    let count = 0;
    for (const [key, { isOld, dueMs }] of this.#troubles) {
      if (isOld && dueMs !== undefined && !isSent(key)) count += 1;
    }
    return count;
  }

  /** Notes a failure; undefined when it is not the result's own, but the link's. */
  note(failure: Failure): { waitMs: number; isAside: boolean; becameAside: boolean } | undefined {
    const { key, isOld, error, passed, presence, now, random } = failure;
    const known = this.#troubles.get(key);
    const isUnclaimed = error.code === "backend.result-unclaimed";
    const isAside = known !== undefined && known.strikes >= STRIKES_MAX;
    const passedFirst = known?.passed ?? passed.before;
    // An answer to this one alone: others have passed since its trouble began.
    const isAnswered = error.code === "backend.unavailable" && error.retryAfterMs === undefined;
    const isAlone = isAnswered && (isAside || passed.now > passedFirst);
    const isOwn = isUnclaimed || error.code === "agent.internal" || isAlone;
    const before = known?.unclaimedIn;
    const isSame = before !== undefined && before.registration === presence?.registration;
    const unclaimedIn = isUnclaimed ? (isSame ? before : presence) : undefined;
    const base = { isOld: known?.isOld ?? isOld, unclaimedIn, passed: passedFirst };
    if (!isOwn) {
      const strikes = known?.strikes ?? 0;
      this.#troubles.set(key, { ...base, strikes, dueMs: undefined });
      return undefined;
    }
    const strikes = Math.min((known?.strikes ?? 0) + 1, STRIKES_MAX);
    const becameAside = strikes === STRIKES_MAX && !isAside;
    const waitMs = waitOf(strikes, isUnclaimed, random);
    this.#troubles.set(key, { ...base, strikes, dueMs: now + waitMs });
    this.#earliestMs = Math.min(this.#earliestMs, now + waitMs);
    return { waitMs, isAside, becameAside };
  }

  /** Says whether it was in trouble. */
  forget(key: EntryKey): boolean {
    return this.#troubles.delete(key);
  }
}

function waitOf(strikes: number, isUnclaimed: boolean, random: Random): number {
  if (strikes >= STRIKES_MAX) return ASIDE_RETRY_MS;
  return isUnclaimed ? UNCLAIMED_RETRY_MS : backoffMs(strikes, random);
}
