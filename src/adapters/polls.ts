/**
 * The polls of a servant that are under way: usually one. When what can be taken has changed while
 * one is held, a newer one says so and the older is still awaited: whatever was handed out on it
 * must not be lost. The newest alone tells how the link is.
 */
import { Bell } from "../core/bell.ts";
import type { Directive } from "../core/ports.ts";
import type { Takes } from "../wire/dynos.ts";

/** An older one ends as soon as the backend hears the newer: more would only pile up. */
const UNDER_WAY_MAX = 2;

export interface Poll {
  readonly takes: Takes;
  /** How long an empty answer may be held, in seconds. */
  readonly holdS: number;
  readonly startedAtMs: number;
}
/** What became of a poll that ended. */
export type Answer = { readonly poll: Poll; readonly isNewest: boolean } & (
  | { readonly directive: Directive }
  | { readonly cause: unknown }
);

export class Polls {
  readonly #ask: (poll: Poll, signal: AbortSignal) => Promise<Directive>;
  readonly #bell = new Bell();
  readonly #underWay = new Set<Poll>();
  readonly #answers: Answer[] = [];
  #newest: Poll | undefined;
  #ending = new AbortController();

  /** `ask` sends one and reads its answer. */
  constructor(ask: (poll: Poll, signal: AbortSignal) => Promise<Directive>) {
    this.#ask = ask;
  }

  get areOver(): boolean {
    return this.#underWay.size === 0;
  }

  /** True when another one would tell the backend something new. */
  isWanted(takes: Takes): boolean {
    const newest = this.#newest;
    if (this.#underWay.size >= UNDER_WAY_MAX) return false;
    return newest === undefined || !this.#underWay.has(newest) || !isSame(newest.takes, takes);
  }

  start(poll: Poll): void {
    this.#underWay.add(poll);
    this.#newest = poll;
    const end = (became: { directive: Directive } | { cause: unknown }) => {
      this.#underWay.delete(poll);
      const isNewest = this.#newest === poll;
      // A newer one goes out on the same link: it will say itself whether that is broken.
      if ("directive" in became || isNewest) this.#answers.push({ poll, isNewest, ...became });
      this.#bell.ring();
    };
    this.#ask(poll, this.#ending.signal).then(
      (directive) => end({ directive }),
      (cause: unknown) => end({ cause }),
    );
  }

  /** The next answer; directives before failures, so that no failure hides one. */
  takeAnswer(): Answer | undefined {
    const at = this.#answers.findIndex((answer) => "directive" in answer);
    return this.#answers.splice(Math.max(at, 0), 1)[0];
  }

  /** Resolves when one has ended, or at `wake`. */
  changed(): Promise<void> {
    return this.#bell.rung();
  }

  wake(): void {
    this.#bell.ring();
  }

  /** Ends all that are under way; what they failed with is an answer like any other. */
  abort(reason: unknown): void {
    this.#ending.abort(reason);
    this.#ending = new AbortController();
    this.#bell.ring(); // there may be none: who waits for an answer learns that none will come
  }

  /** The same, and nobody wants to know: another registration takes their place. */
  forget(): void {
    this.#newest = undefined;
    this.abort("another registration");
  }
}

function isSame(a: Takes, b: Takes): boolean {
  return a.actions === b.actions && a.beliefs === b.beliefs && a.cancels === b.cancels;
}
