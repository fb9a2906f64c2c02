/** How a classic bug is put in on purpose: by another port in the place of the agent's own. */
import type { Loaded, SpawnChild } from "../../src/core/child.ts";
import type { Ledger } from "../../src/core/ledger.ts";
import type { Backend, Clock, Journal, Runner } from "../../src/core/ports.ts";

/** What it has in hand to do harm with. */
export interface Accomplices {
  readonly clock: Clock;
  readonly ledger: Ledger;
  /** Another origin's. */
  readonly otherJournal: Journal;
  readonly loaded: Loaded;
}

/** What it replaces of each port; the rest stays as it is. */
export interface Sabotage {
  /** The invariant that names it. */
  readonly breaks: string;
  journal?(journal: Journal, by: Omit<Accomplices, "ledger">): Partial<Journal>;
  backend?(link: Backend, by: Accomplices): Partial<Backend>;
  runner?(runner: Runner, by: Accomplices): Partial<Runner>;
  spawn?(spawn: SpawnChild, loaded: Loaded): SpawnChild;
}

/** The same object, but for what stands in `over`. */
export function overridden<T extends object>(object: T, over: Partial<T> | undefined): T {
  if (over === undefined) return object;
  return new Proxy(object, {
    get(target, name) {
      if (Object.hasOwn(over, name)) return Reflect.get(over, name);
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}
