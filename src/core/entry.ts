/** The facts of one assignment, and what they amount to: an entry of the ledger. */
import type { Assignment, AuditId, Result } from "./assignment.ts";
import type { ErrorCode } from "./errors.ts";
import { canonicalJson } from "./json.ts";
import { isMachineFact, type MachineFact } from "./machine.ts";

declare const entryKeyBrand: unique symbol;
/**
 * The audit id; when a backend uses one audit id for a second content, the second entry's key
 * carries that content's fingerprint too.
 */
export type EntryKey = string & { readonly [entryKeyBrand]: true };

export type EntryFact =
  | { type: "accepted"; atMs: number; key: EntryKey; assignment: Assignment; via: string }
  /** `nth` counts the starts of a handler that may run again; absent: the first. */
  | { type: "started"; atMs: number; key: EntryKey; nth?: number }
  /** Called off: what has not started never starts, what runs is told to stop. */
  | { type: "cancelled"; atMs: number; key: EntryKey; reason: string }
  | { type: "finished"; atMs: number; key: EntryKey; result: Result }
  | { type: "delivered"; atMs: number; key: EntryKey }
  | { type: "refused"; atMs: number; key: EntryKey; code: ErrorCode }
  /** Asked for again after it was delivered: the stored result goes out once more. */
  | { type: "repeated"; atMs: number; key: EntryKey; via: string };

export type Fact = EntryFact | MachineFact;

export type Phase = "accepted" | "started" | "finished" | "delivered" | "refused";

export interface Entry {
  readonly key: EntryKey;
  readonly assignment: Assignment;
  /** The registration that received it, latest first asked. */
  readonly via: string;
  readonly phase: Phase;
  readonly acceptedAtMs: number;
  readonly startedAtMs?: number;
  /** How often its handler was started. */
  readonly starts: number;
  /** Why it was called off, if it was. */
  readonly cancelled?: string;
  readonly finishedAtMs?: number;
  readonly result?: Result;
}

/** One step of an entry's life. A fact that does not fit where the entry stands changes nothing. */
export function fold(entry: Entry | undefined, fact: Fact): Entry | undefined {
  if (fact.type === "accepted") {
    if (entry !== undefined) return entry;
    const { key, assignment, via, atMs } = fact;
    return { key, assignment, via, phase: "accepted", acceptedAtMs: atMs, starts: 0 };
  }
  if (entry === undefined || isMachineFact(fact)) return entry;
  switch (fact.type) {
    case "started": {
      if (entry.result !== undefined) return entry;
      const starts = Math.max(entry.starts, fact.nth ?? 1);
      return { ...entry, phase: "started", startedAtMs: entry.startedAtMs ?? fact.atMs, starts };
    }
    case "cancelled":
      return entry.result === undefined && entry.cancelled === undefined
        ? { ...entry, cancelled: fact.reason }
        : entry;
    case "finished":
      return entry.result === undefined
        ? { ...entry, phase: "finished", result: fact.result, finishedAtMs: fact.atMs }
        : entry;
    case "delivered":
    case "refused":
      return entry.phase === "finished" ? { ...entry, phase: fact.type } : entry;
    case "repeated":
      return entry.result === undefined ? entry : { ...entry, phase: "finished", via: fact.via };
  }
}

/** The ledger's key of an audit id, or of a further content under it. */
export function keyOf(auditId: AuditId, contentFingerprint?: string): EntryKey {
  const key = contentFingerprint === undefined ? auditId : `${auditId}\u0000${contentFingerprint}`;
  return key as string as EntryKey;
}

/** "move(room_one, room_two)": how an assignment is told to people. */
export function describeAssignment(assignment: Assignment): string {
  if (assignment.kind === "belief") return `belief ${assignment.fluent}`;
  if (assignment.kind === "invalid") return "an unreadable assignment";
  const values = Object.values(assignment.params).map((value) =>
    typeof value === "string" ? value : canonicalJson(value),
  );
  const text = `${assignment.transition}(${values.join(", ")})`;
  return text.length > 120 ? `${text.slice(0, 117)}...` : text;
}

/** The wall clock's reading belongs to a fact: this spells the pair once. */
export function stamp(clock: { now(): number }): { atMs: number } {
  return { atMs: clock.now() };
}

/** True when two assignments under one audit id ask for the same. */
export function sameContent(a: Assignment, b: Assignment): boolean {
  // What is told of an unreadable one varies (how much of it was read): its answer does not.
  if (a.kind === "invalid" && b.kind === "invalid") return a.code === b.code;
  return canonicalJson(a) === canonicalJson(b);
}
