/** How often each kind of caller may ask: a bucket that fills as time goes by. */
import type { Clock } from "../core/ports.ts";

export interface Rate {
  readonly perSecond: number;
  /** How many at once, after a rest. */
  readonly burst: number;
}

/**
 * A bucket for each kind: whoever guesses tokens uses up the guessers' bucket, never that of a
 * program that has one.
 */
export const RATES = {
  /** `/health`, `/ready`: what anybody may ask. */
  open: { perSecond: 100, burst: 200 },
  /** Callers that have neither token nor session, and one-time codes. */
  stranger: { perSecond: 10, burst: 50 },
  /** A browser that has a session's cookie and asks for the page. */
  visitor: { perSecond: 20, burst: 100 },
  token: { perSecond: 200, burst: 1_000 },
  session: { perSecond: 100, burst: 500 },
} as const satisfies Record<string, Rate>;

export type CallerKind = keyof typeof RATES;

export class Rates {
  readonly #clock: Pick<Clock, "monotonic">;
  readonly #rates: Readonly<Record<CallerKind, Rate>>;
  readonly #left = new Map<CallerKind, { tokens: number; atMs: number }>();

  constructor(clock: Pick<Clock, "monotonic">, rates: Readonly<Record<CallerKind, Rate>> = RATES) {
    this.#clock = clock;
    this.#rates = rates;
  }

  /** Takes one; false when there is none left. */
  take(kind: CallerKind): boolean {
    const { perSecond, burst } = this.#rates[kind];
    const atMs = this.#clock.monotonic();
    const before = this.#left.get(kind) ?? { tokens: burst, atMs };
    const filled = before.tokens + ((atMs - before.atMs) / 1_000) * perSecond;
    const tokens = Math.min(burst, filled);
    const isEnough = tokens >= 1;
    this.#left.set(kind, { tokens: isEnough ? tokens - 1 : tokens, atMs });
    return isEnough;
  }
}
