/** The facts of one assignment, and what they amount to: an entry of the ledger. */
import { type Assignment, type AuditId, emptyResult, type Result } from "./assignment.ts";
import type { ErrorCode } from "./errors.ts";
import { fingerprint } from "./fingerprint.ts";
import { canonicalJson, type Json } from "./json.ts";
import { isMachineFact, type MachineFact } from "./machine.ts";

declare const entryKeyBrand: unique symbol;
/**
 * The audit id; when a backend uses one audit id for a second content, the second entry's key
 * carries that content's fingerprint too.
 */
export type EntryKey = string & { readonly [entryKeyBrand]: true };

export type EntryFact =
  | {
      type: "accepted";
      atMs: number;
      key: EntryKey;
      assignment: Assignment;
      via: string;
      /** What the backend needs to answer it, in its own terms. */
      reply?: Json;
    }
  /** `nth` counts the starts of a handler that may run again; absent: the first. */
  | { type: "started"; atMs: number; key: EntryKey; nth?: number }
  /** Called off: what has not started never starts, what runs is told to stop. */
  | { type: "cancelled"; atMs: number; key: EntryKey; reason: string }
  | { type: "finished"; atMs: number; key: EntryKey; result: Result }
  | { type: "delivered"; atMs: number; key: EntryKey }
  | { type: "refused"; atMs: number; key: EntryKey; code: ErrorCode }
  /** Asked for again after it was delivered: the stored result goes out once more. */
  | { type: "repeated"; atMs: number; key: EntryKey; via: string; reply?: Json }
  | Compacted;

/**
 * What is kept of a closed entry whose content was let go: enough to know it again, never to run
 * it again, and to say how it ended. It stands in place of the facts before it.
 */
export interface Compacted {
  readonly type: "compacted";
  /** When it was closed. */
  readonly atMs: number;
  readonly key: EntryKey;
  /** Without its parameters. */
  readonly assignment: Assignment;
  /** `contentFingerprint` of the assignment with them. */
  readonly fingerprint: string;
  readonly phase: "delivered" | "refused";
  readonly success: boolean;
  readonly code?: ErrorCode;
  readonly acceptedAtMs: number;
  readonly finishedAtMs: number;
}

export type Fact = EntryFact | MachineFact;

export type Phase = "accepted" | "started" | "finished" | "delivered" | "refused";

export interface Entry {
  readonly key: EntryKey;
  readonly assignment: Assignment;
  /** The registration that received it, latest first asked. */
  readonly via: string;
  /** Latest first asked, too. */
  readonly reply?: Json;
  readonly phase: Phase;
  readonly acceptedAtMs: number;
  readonly startedAtMs?: number;
  /** How often its handler was started. */
  readonly starts: number;
  /** Why it was called off, if it was. */
  readonly cancelled?: string;
  readonly finishedAtMs?: number;
  readonly result?: Result;
  /** Of the assignment's content, when that was let go. */
  readonly fingerprint?: string;
}

/** One step of an entry's life. A fact that does not fit where the entry stands changes nothing. */
export function fold(entry: Entry | undefined, fact: Fact): Entry | undefined {
  if (fact.type === "accepted") {
    if (entry !== undefined) return entry;
    const { key, assignment, via, atMs } = fact;
    const head = { key, assignment, via, ...replyOf(fact) };
    return { ...head, phase: "accepted", acceptedAtMs: atMs, starts: 0 };
  }
  if (fact.type === "compacted") return entry ?? unfolded(fact);
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
      return entry.result === undefined
        ? entry
        : { ...entry, phase: "finished", via: fact.via, ...replyOf(fact) };
  }
}

/** The member as it is, or none. */
export function replyOf({ reply }: { readonly reply?: Json }): { readonly reply?: Json } {
  return reply === undefined ? {} : { reply };
}

/** The entry that `compacted` made small: its result says that its details are gone. */
function unfolded(fact: Compacted): Entry {
  const { key, assignment, phase, success, code, acceptedAtMs, finishedAtMs } = fact;
  const { auditId, kind } = assignment;
  const told = emptyResult(auditId, success, "Its details were compacted: it ended long ago");
  const unchecked = kind === "belief" && success; // what was observed is no longer known
  const result = { ...told, unchecked, ...(code === undefined ? {} : { code }) };
  const head = { key, assignment, via: "", phase, starts: 0, fingerprint: fact.fingerprint };
  return { ...head, acceptedAtMs, finishedAtMs, result };
}

/** Makes a closed entry small; undefined for one that is still open. */
export function compacted(entry: Entry, closedAtMs: number): Compacted | undefined {
  const { key, phase, result, acceptedAtMs, finishedAtMs = acceptedAtMs } = entry;
  if ((phase !== "delivered" && phase !== "refused") || result === undefined) return undefined;
  const { success, code } = result;
  return {
    type: "compacted",
    atMs: closedAtMs,
    key,
    assignment: withoutContent(entry.assignment),
    fingerprint: entry.fingerprint ?? contentFingerprint(entry.assignment),
    phase,
    success,
    ...(code === undefined ? {} : { code }),
    acceptedAtMs,
    finishedAtMs,
  };
}

function withoutContent(assignment: Assignment): Assignment {
  if (assignment.kind === "action") return { ...assignment, params: {} };
  return assignment.kind === "invalid" ? { ...assignment, problem: "" } : assignment;
}

/** An action that started and is not finished: after a restart nobody saw how it ended. */
export function isActing({ phase, assignment }: Entry): boolean {
  return phase === "started" && assignment.kind === "action";
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

/** True when an entry of the same audit id was asked for the same as this assignment asks. */
export function asksTheSame(entry: Entry, assignment: Assignment): boolean {
  return entry.fingerprint === undefined
    ? sameContent(entry.assignment, assignment)
    : entry.fingerprint === contentFingerprint(assignment);
}

/** True when two assignments under one audit id ask for the same. */
export function sameContent(a: Assignment, b: Assignment): boolean {
  return contentOf(a) === contentOf(b);
}

function contentFingerprint(assignment: Assignment): string {
  return fingerprint(contentOf(assignment));
}

/** What is told of an unreadable one varies (how much of it was read): its answer does not. */
function contentOf(assignment: Assignment): string {
  const { kind, auditId } = assignment;
  return canonicalJson(kind === "invalid" ? { kind, auditId, code: assignment.code } : assignment);
}
