/** What is known of the machine itself, whatever backend it serves: it survives a restart. */
import type { EntryKey, Fact } from "./entry.ts";

/** The key of the machine's own facts in the journal; no audit id begins like this. */
export const MACHINE_KEY = "\u0000machine" as string as EntryKey;

export type MachineFact =
  /** No work is taken or started until somebody resumes it. */
  | { type: "paused"; atMs: number; key: EntryKey; reason: string }
  | { type: "resumed"; atMs: number; key: EntryKey }
  /** An action was cut off and the machine may still move: it must be made safe first. */
  | { type: "doubted"; atMs: number; key: EntryKey; reason: string }
  | { type: "secured"; atMs: number; key: EntryKey };

export interface Machine {
  /** Why it is paused, if it is. */
  readonly paused?: string;
  /** Why it must be made safe, if it must. */
  readonly doubted?: string;
}

const types: readonly string[] = ["paused", "resumed", "doubted", "secured"];

export function isMachineFact(fact: Fact): fact is MachineFact {
  return types.includes(fact.type);
}

/** Each fact of a pair puts an end to the other. */
export function foldMachine(machine: Machine, fact: MachineFact): Machine {
  const { paused, doubted } = machine;
  switch (fact.type) {
    case "paused":
      return { ...machine, paused: fact.reason };
    case "resumed":
      return doubted === undefined ? {} : { doubted };
    case "doubted":
      return { ...machine, doubted: fact.reason };
    case "secured":
      return paused === undefined ? {} : { paused };
  }
}
