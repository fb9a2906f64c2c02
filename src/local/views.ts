/** Entries of the ledger as the door shows them. */
import type { Entry, Fact } from "../core/entry.ts";
import { describeAssignment } from "../core/entry.ts";
import type {
  AssignmentStory,
  AssignmentSummary,
  InHand,
  Progress,
  StoryFact,
} from "../wire/local.ts";
import { iso } from "./report.ts";

/** What is accepted and not finished. */
export function inHand(entry: Entry, progress: Progress | undefined): InHand {
  const { assignment, acceptedAtMs, startedAtMs, starts, cancelled, phase } = entry;
  return {
    auditId: assignment.auditId,
    kind: assignment.kind,
    what: describeAssignment(assignment),
    phase: phase === "started" ? "started" : "accepted",
    acceptedAt: iso(acceptedAtMs),
    ...(startedAtMs === undefined ? {} : { startedAt: iso(startedAtMs) }),
    starts,
    ...(cancelled === undefined ? {} : { cancelled }),
    ...(progress === undefined ? {} : { progress }),
  };
}

export function summaryOf(entry: Entry): AssignmentSummary {
  const { assignment, phase, acceptedAtMs, startedAtMs, finishedAtMs, starts, cancelled } = entry;
  const { result } = entry;
  return {
    auditId: assignment.auditId,
    kind: assignment.kind,
    what: describeAssignment(assignment),
    phase,
    acceptedAt: iso(acceptedAtMs),
    ...(startedAtMs === undefined ? {} : { startedAt: iso(startedAtMs) }),
    ...(finishedAtMs === undefined ? {} : { finishedAt: iso(finishedAtMs) }),
    starts,
    ...(cancelled === undefined ? {} : { cancelled }),
    ...(result === undefined ? {} : { success: result.success, message: result.message }),
    ...(result?.code === undefined ? {} : { code: result.code }),
    ...(result?.interruption === undefined ? {} : { interruption: result.interruption }),
  };
}

export function storyOf(
  entry: Entry,
  facts: readonly Fact[],
  rest: { readonly progress?: Progress | undefined; readonly reused: readonly Entry[] },
): AssignmentStory {
  const { progress, reused } = rest;
  return {
    ...summaryOf(entry),
    assignment: entry.assignment,
    ...(entry.result === undefined ? {} : { result: entry.result }),
    facts: facts.map(factOf),
    ...(progress === undefined ? {} : { progress }),
    reused: reused.map(summaryOf),
  };
}

/** A fact beside what the story says already: the assignment and its result. */
function factOf(fact: Fact): StoryFact {
  const { type, atMs } = fact;
  const at = iso(atMs);
  switch (fact.type) {
    case "started":
      return { type, at, nth: fact.nth ?? 1 };
    case "cancelled":
      return { type, at, reason: fact.reason };
    case "accepted":
    case "repeated":
      return { type, at, via: fact.via };
    case "refused":
      return { type, at, code: fact.code };
    default:
      return { type, at };
  }
}
