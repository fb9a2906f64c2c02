/**
 * How facts stand in the journal's file: what can be derived is left out, and every row carries a
 * checksum over all it says and whose it is. SQLite notices a broken page only where its structure
 * suffers; a changed bit in a text would make up a fact.
 */
import { type Assignment, type AuditId, emptyResult, type Result } from "../core/assignment.ts";
import type { Compacted, EntryKey, Fact } from "../core/entry.ts";
import { isJsonObject, type Json, type JsonObject } from "../core/json.ts";
import { MACHINE_KEY } from "../core/machine.ts";

/** Where an entry stands. None is 0 or 1, which SQLite stores shorter: a row never grows. */
export const STATE = { unfinished: 10, waiting: 20, delivered: 30, refused: 31, compacted: 40 };
/** The facts of the machine belong to this entry. */
export const MACHINE_ENTRY = 0;

/** By its code in the file: only ever append. */
const TYPES = [
  "accepted",
  "started",
  "finished",
  "delivered",
  "refused",
  "repeated",
  "cancelled",
  "compacted",
  "paused",
  "resumed",
  "doubted",
  "secured",
] as const satisfies readonly Fact["type"][];

export interface EntryRow {
  readonly id: number;
  readonly origin: number;
  /** As `storedKey` writes it. */
  readonly key: string;
  readonly state: number;
  /** When the state began. */
  readonly at: number;
  readonly sum: number;
}

export interface OriginRow {
  readonly id: number;
  readonly url: string;
  readonly sum: number;
}

export interface FactRow {
  readonly entry: number;
  readonly n: number;
  readonly type: number;
  readonly at: number;
  readonly body: string | null;
  readonly sum: number;
}

/** A key that SQLite gives back as it is: it cannot hold half of a surrogate pair. */
export function storedKey(key: EntryKey): string {
  return key.isWellFormed() && !key.startsWith('"') ? key : JSON.stringify(key);
}

export function keyOfStored(stored: string): EntryKey {
  return (stored.startsWith('"') ? JSON.parse(stored) : stored) as EntryKey;
}

/** 31 bits, the highest set: always stored in as many bytes. */
function sumOf(text: string): number {
  return (Bun.hash.crc32(text) >>> 2) | 0x4000_0000;
}

export function entrySum(row: Omit<EntryRow, "id" | "sum">): number {
  return sumOf(`${row.origin} ${row.state} ${row.at} ${row.key}`);
}

/** True for a row that is as it was written, down to the types of its columns. */
export function isSoundFact(row: FactRow, key: unknown): boolean {
  const isText = typeof key === "string" && (row.body === null || typeof row.body === "string");
  return isText && row.sum === factSum(row.entry, key, row);
}

export function originSum(url: string): number {
  return sumOf(url);
}

export function isSoundOrigin({ url, sum }: OriginRow): boolean {
  return typeof url === "string" && sum === originSum(url);
}

export function factSum(entry: number, key: string, fact: Omit<FactRow, "entry" | "sum">): number {
  return sumOf(`${entry} ${fact.n} ${fact.type} ${fact.at} ${key}\n${fact.body ?? ""}`);
}

export function isSound(row: EntryRow): boolean {
  return typeof row.key === "string" && row.sum === entrySum(row);
}

/** A wall clock's reading as SQLite keeps it. */
export function storedTime(atMs: number): number {
  return Number.isFinite(atMs) ? atMs : 0;
}

/** What a fact says beside its type, time and key; null when that is all. */
export function encodeFact(fact: Fact): { type: number; body: string | null } {
  const { type, atMs: _at, key, ...rest } = fact as Fact & Record<string, Json>;
  const auditId = auditIdOf(key);
  if (fact.type === "compacted") return { type: TYPES.indexOf(type), body: shortCompacted(fact) };
  const said: Record<string, Json> = { ...rest };
  if ("assignment" in fact) {
    const { kind, auditId: id, ...content } = fact.assignment;
    said.assignment = {
      ...(kind === "action" ? {} : { kind }),
      ...(id === auditId ? {} : { auditId: id }),
      ...content,
    };
  }
  if (fact.type === "finished") said.result = shortResult(fact.result, auditId);
  const isBare = Object.keys(said).length === 0;
  return { type: TYPES.indexOf(type), body: isBare ? null : JSON.stringify(said) };
}

/** The fact of a row; undefined when the row is not what was written, or is of no known shape. */
export function decodeFact(row: FactRow, stored: string): Fact | undefined {
  if (!isSoundFact(row, stored)) return undefined;
  const type = TYPES[row.type];
  if (type === undefined) return undefined;
  try {
    const key = row.entry === MACHINE_ENTRY ? MACHINE_KEY : keyOfStored(stored);
    const said: unknown = row.body === null ? {} : JSON.parse(row.body);
    if (type === "compacted") return longCompacted(said, row.at, key);
    if (!isJsonObject(said)) return undefined;
    const fact: Record<string, unknown> = { type, atMs: row.at, key, ...said };
    if (type === "accepted") {
      if (!isJsonObject(said.assignment)) return undefined;
      fact.assignment = { kind: "action", auditId: auditIdOf(key), ...said.assignment };
    }
    if (type === "finished") {
      if (!isJsonObject(said.result)) return undefined;
      fact.result = { ...emptyResult(auditIdOf(key), true), ...said.result };
    }
    return fact as unknown as Fact;
  } catch {
    return undefined; // no JSON: the same as a wrong sum
  }
}

/** A million of these may be kept: a list, with what is usual left out at its end. */
function shortCompacted(fact: Compacted): string {
  const { assignment, fingerprint, acceptedAtMs, finishedAtMs, success, phase, code } = fact;
  const { kind, auditId } = assignment;
  const names = { action: "transition", belief: "fluent", invalid: "code" } as const;
  const name = (assignment as unknown as Record<string, string>)[names[kind]] ?? "";
  const isUsual = phase === "delivered" && code === undefined && auditId === auditIdOf(fact.key);
  const said = [
    fingerprint,
    acceptedAtMs,
    finishedAtMs - acceptedAtMs,
    Number(success),
    kind[0],
    name,
  ];
  return JSON.stringify(isUsual ? said : [...said, phase, code ?? null, auditId]);
}

function longCompacted(said: unknown, atMs: number, key: EntryKey): Compacted | undefined {
  if (!Array.isArray(said) || said.length < 6) return undefined;
  const [fingerprint, acceptedAtMs, tookMs, success, kind, name] = said;
  const [, , , , , , phase = "delivered", code, auditId = auditIdOf(key)] = said;
  const assignment: Assignment =
    kind === "a"
      ? { kind: "action", auditId, transition: name, params: {} }
      : kind === "b"
        ? { kind: "belief", auditId, fluent: name }
        : { kind: "invalid", auditId, code: name, problem: "" };
  const ended = { acceptedAtMs, finishedAtMs: acceptedAtMs + tookMs, success: success === 1 };
  const head = { type: "compacted", atMs, key, assignment, fingerprint, phase } as const;
  return { ...head, ...ended, ...(code ? { code } : {}) };
}

/** Without the members that say nothing. */
function shortResult(result: Result, auditId: AuditId): JsonObject {
  const usual = emptyResult(auditId, true) as unknown as JsonObject;
  const members = Object.entries(result as unknown as JsonObject);
  return Object.fromEntries(
    members.filter(([name, value]) => !isSame(value, usual[name])),
  ) as JsonObject;
}

function isSame(a: Json, b: Json | undefined): boolean {
  if (typeof a !== "object" || a === null) return a === b;
  return JSON.stringify(a) === JSON.stringify(b);
}

/** The audit id of nearly every key; a fact whose assignment has another one says so. */
export function auditIdOf(key: EntryKey): Assignment["auditId"] {
  return key.split("\u0000", 1)[0] as AuditId;
}
