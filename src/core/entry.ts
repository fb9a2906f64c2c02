/** The facts of one assignment, and what they amount to: an entry of the ledger. */
import type { Assignment, AuditId, Result } from "./assignment.ts";
import type { ErrorCode } from "./errors.ts";
import { canonicalJson } from "./json.ts";

declare const entryKeyBrand: unique symbol;
/**
 * The audit id; when a backend uses one audit id for a second content, the second entry's key
 * carries that content's fingerprint too.
 */
export type EntryKey = string & { readonly [entryKeyBrand]: true };

export type Fact =
  | { type: "accepted"; atMs: number; key: EntryKey; assignment: Assignment; via: string }
  | { type: "started"; atMs: number; key: EntryKey }
  | { type: "finished"; atMs: number; key: EntryKey; result: Result }
  | { type: "delivered"; atMs: number; key: EntryKey }
  | { type: "refused"; atMs: number; key: EntryKey; code: ErrorCode }
  /** Asked for again after it was delivered: the stored result goes out once more. */
  | { type: "repeated"; atMs: number; key: EntryKey; via: string };

export type Phase = "accepted" | "started" | "finished" | "delivered" | "refused";

export interface Entry {
  readonly key: EntryKey;
  readonly assignment: Assignment;
  /** The registration that received it, latest first asked. */
  readonly via: string;
  readonly phase: Phase;
  readonly acceptedAtMs: number;
  readonly startedAtMs?: number;
  readonly finishedAtMs?: number;
  readonly result?: Result;
}

/** One step of an entry's life. A fact that does not fit where the entry stands changes nothing. */
export function fold(entry: Entry | undefined, fact: Fact): Entry | undefined {
  if (fact.type === "accepted") {
    if (entry !== undefined) return entry;
    const { key, assignment, via, atMs } = fact;
    return { key, assignment, via, phase: "accepted", acceptedAtMs: atMs };
  }
  if (entry === undefined) return undefined;
  switch (fact.type) {
    case "started":
      return entry.phase === "accepted"
        ? { ...entry, phase: "started", startedAtMs: fact.atMs }
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
