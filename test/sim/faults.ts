/** What can go wrong, how often it does in one run, and how often it did. */
import type { Random } from "./random.ts";

/** Each fault with the highest probability of it striking where it can. */
const WORST = {
  "network: request lost": 0.15,
  "network: reply lost": 0.15,
  "network: request duplicated": 0.1,
  "network: long delay": 0.1,
  "network: answer 5xx": 0.15,
  "network: answer 429": 0.08,
  "network: unreadable answer": 0.08,
  "network: partition": 0.5,
  "network: half-open, a request vanishes": 0.5,
  "network: half-open, an answer vanishes": 1,
  "network: an answer overtakes another": 0.1,
  "disk: power cut, batch lost": 0.02,
  "disk: power cut, batch written but not confirmed": 0.02,
  "disk: full": 0.6,
  "disk: at its quota": 0.4,
  "disk: slow": 0.1,
  "power cut at a call": 0.002,
  "power cut at a moment": 0.6,
  "switched on hours later": 0.15,
  "agent: stands still": 0.5,
  "agent: stands still with its plugin": 0.5,
  "clock: 1970 at boot": 0.4,
  "clock: stood still while it was off": 0.3,
  "clock: an hour back": 0.5,
  "clock: an hour ahead": 0.4,
  "backend: restarts": 0.4,
  "backend: forgets its servants": 0.25,
  "backend: another servant takes its place": 0.1,
  "backend: repeats what is unanswered": 1,
  "backend: repeats what is answered": 0.3,
  "backend: answers late": 0.06,
  "backend: reuses an audit id": 0.15,
  "backend: refuses a result": 0.05,
  "backend: fails at one result for long": 0.03,
  "backend: forgets what it assigned": 0.15,
  "child: dies while loading": 0.2,
  "child: dies in a loop": 0.3,
  "child: loads for ever": 0.05,
  "child: crashes before it starts": 0.05,
  "child: dies before its start is heard": 0.05,
  "child: crashes": 0.15,
  "child: hangs": 0.05,
  "child: blocks for a while": 0.1,
  "child: is slow": 0.15,
  "child: ignores aborts": 0.4,
  "child: ignores SIGTERM": 0.4,
  "child: tells no progress": 0.4,
  "child: reports failure": 0.2,
  "child: cannot reconcile": 0.3,
  "child: cannot make it safe": 0.4,
  "person: calls off": 0.3,
  "person: calls off twice": 0.5,
  "person: calls off what is unknown": 0.5,
  "person: pauses": 0.4,
  "person: stops the agent": 0.2,
  "person: stops it in a hurry": 0.5,
} as const;

export type Fault = keyof typeof WORST;
export const faults = Object.keys(WORST) as Fault[];
export type Tally = Record<Fault, number>;

export function emptyTally(): Tally {
  return Object.fromEntries(faults.map((fault) => [fault, 0])) as Tally;
}

export class Faults {
  readonly tally = emptyTally();
  /** Over: from here on nothing goes wrong any more. */
  isCalm = false;
  readonly #random: Random;
  readonly #chances: Tally;
  readonly #onStrike: (fault: Fault) => void;

  /**
   * Each run draws its own weather: some faults stay away and others come often, which finds more
   * than all of them at a middling rate. Only those whose name matches `which` come at all.
   */
  constructor(random: Random, which: RegExp, onStrike: (fault: Fault) => void) {
    this.#random = random;
    this.#onStrike = onStrike;
    this.#chances = emptyTally();
    for (const fault of faults) {
      const isAway = random.chance(0.3) || !which.test(fault);
      this.#chances[fault] = isAway ? 0 : WORST[fault] * random.next();
    }
  }

  /** Decides whether a fault strikes now, and counts it. */
  strikes(fault: Fault): boolean {
    const isNow = this.draws(fault);
    if (isNow) this.count(fault);
    return isNow;
  }

  /** Decides it without counting: whether it strikes shows later. */
  draws(fault: Fault): boolean {
    return !this.isCalm && this.#random.chance(this.#chances[fault]);
  }

  count(fault: Fault): void {
    this.tally[fault] += 1;
    this.#onStrike(fault);
  }
}
