/**
 * What becomes of an entry in a damaged journal. What is whole stays as it is. What is not never
 * runs again: it is answered as failed, unless its own result can still be read.
 */
import { type AuditId, failedResult } from "../core/assignment.ts";
import { type Entry, type EntryKey, type Fact, fold, type Phase } from "../core/entry.ts";
import { auditIdOf, STATE } from "./journal-rows.ts";

/** What could be read of one entry. */
export interface Found {
  readonly key: EntryKey;
  /** Where it stood and since when, if its row could be read. */
  readonly state: number | undefined;
  readonly atMs: number;
  /** Those that could be read, oldest first. */
  readonly facts: readonly Fact[];
  /** None is known to be missing. */
  readonly isWhole: boolean;
}

const PHASES: Readonly<Record<number, readonly Phase[]>> = {
  [STATE.unfinished]: ["started"],
  [STATE.waiting]: ["finished"],
  [STATE.delivered]: ["delivered"],
  [STATE.refused]: ["refused"],
  [STATE.compacted]: ["delivered", "refused"],
};

/** The story that the new journal gets. */
export function mended(found: Found): readonly Fact[] {
  const { key, state = -1, atMs, facts, isWhole } = found;
  const entry = facts.reduce<Entry | undefined>(fold, undefined);
  // One that was accepted only may have been started in what is lost: it is not among the phases.
  if (isWhole && entry !== undefined && PHASES[state]?.includes(entry.phase)) return facts;
  const kept = facts.find(({ type }) => type === "compacted");
  if (kept !== undefined) return [kept];
  const head = { atMs, key };
  const auditId = auditIdOf(key);
  const of = (type: Fact["type"]) => facts.find((fact) => fact.type === type);
  const accepted = of("accepted") ?? { ...head, type: "accepted", ...unreadable(auditId) };
  const finished = of("finished") ?? { ...head, type: "finished", result: unknown(auditId) };
  const begun = facts.filter(({ type }) => type === "started" || type === "cancelled");
  const story = [accepted, ...begun, finished];
  if (state === STATE.refused) {
    return [...story, of("refused") ?? { ...head, type: "refused", code: "journal.damaged" }];
  }
  const isOver = state === STATE.delivered || state === STATE.compacted;
  return isOver ? [...story, { ...head, type: "delivered" }] : story;
}

function unreadable(auditId: AuditId) {
  const problem = "Cannot read what was asked: the journal was damaged";
  return {
    assignment: { kind: "invalid", auditId, code: "journal.damaged", problem },
    via: "",
  } as const;
}

function unknown(auditId: AuditId) {
  const problem = "Cannot tell how it ended: the journal was damaged";
  return failedResult(auditId, "journal.damaged", problem);
}
