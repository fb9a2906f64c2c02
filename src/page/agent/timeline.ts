/** Assignments on a line of time: merged from pages, packed so that no two lie upon each other. */
import type { AssignmentSummary } from "../../wire/local.ts";
import type { Outcome } from "../parts/tone.ts";
import { outcomeOf } from "./outcome.ts";

/** How many are kept: the oldest leave. */
export const ASSIGNMENTS_MAX = 1_000;

/** What is known so far and what was heard now, newest first; what is heard replaces. */
export function mergeAssignments(
  known: readonly AssignmentSummary[],
  heard: readonly AssignmentSummary[],
): readonly AssignmentSummary[] {
  const byId = new Map(known.map((each) => [each.auditId, each]));
  for (const each of heard) byId.set(each.auditId, each);
  return [...byId.values()]
    .sort((a, b) => compare(b.acceptedAt, a.acceptedAt) || compare(b.auditId, a.auditId))
    .slice(0, ASSIGNMENTS_MAX);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** How much time the strip may show, and how far its marks of time are apart, in minutes. */
const SCALES = [
  { reach: 0.5, tick: 1 / 6 },
  { reach: 2, tick: 0.5 },
  { reach: 5, tick: 1 },
  { reach: 15, tick: 5 },
  { reach: 60, tick: 15 },
  { reach: 360, tick: 60 },
] as const;
/** So many of the latest assignments decide, so that many do not lie upon one another. */
const SCALED_BY = 16;

export interface Scale {
  readonly reachMs: number;
  readonly tickMs: number;
}

/** The least reach that shows the latest assignments. */
export function scaleFor(newestFirst: readonly AssignmentSummary[], nowMs: number): Scale {
  const oldest = newestFirst.slice(0, SCALED_BY).at(-1);
  const ageMs = oldest === undefined ? 0 : nowMs - Date.parse(oldest.acceptedAt);
  const found = SCALES.find(({ reach }) => reach * 60_000 >= ageMs) ?? SCALES[SCALES.length - 1];
  const { reach, tick } = found ?? SCALES[0];
  return { reachMs: reach * 60_000, tickMs: tick * 60_000 };
}

/** One assignment in the strip; places are parts of its width, 0 to 1. */
export interface Span {
  readonly auditId: string;
  /** Counted from the top. */
  readonly lane: number;
  readonly acceptedAt: number;
  /** Absent: it never started. */
  readonly startedAt?: number;
  readonly endsAt: number;
  readonly isOpen: boolean;
  readonly outcome: Outcome;
}

export interface Strip {
  readonly fromMs: number;
  readonly toMs: number;
  readonly lanesMax: number;
}

/** Leaves so much room after a span, as a part of the width, so that end marks do not touch. */
const ROOM = 0.012;

/** The spans that reach into the strip; those that find no lane free share the last one. */
export function spansOf(assignments: readonly AssignmentSummary[], strip: Strip): readonly Span[] {
  const { fromMs, toMs, lanesMax } = strip;
  const place = (ms: number) => Math.min(1, Math.max(0, (ms - fromMs) / (toMs - fromMs)));
  const freeFrom: number[] = [];
  return [...assignments]
    .reverse() // oldest first: a span takes the first lane that is free when it begins
    .flatMap((each): Span[] => {
      const beganMs = Date.parse(each.acceptedAt);
      const endedMs = each.finishedAt === undefined ? toMs : Date.parse(each.finishedAt);
      if (endedMs < fromMs || beganMs > toMs) return [];
      const acceptedAt = place(beganMs);
      const endsAt = place(endedMs);
      const found = freeFrom.findIndex((free) => free <= acceptedAt);
      const lane = Math.min(found < 0 ? freeFrom.length : found, lanesMax - 1);
      freeFrom[lane] = Math.max(freeFrom[lane] ?? 0, endsAt + ROOM);
      const { startedAt, auditId } = each;
      const isOpen = each.finishedAt === undefined;
      const span = { auditId, lane, acceptedAt, endsAt, isOpen, outcome: outcomeOf(each) };
      return [
        startedAt === undefined ? span : { ...span, startedAt: place(Date.parse(startedAt)) },
      ];
    });
}

/** So near to each other, as parts of the width, marks cannot be told apart. */
const APART = 0.01;

/** Without the short spans that would lie upon another one that says the same. */
export function thinned(spans: readonly Span[]): readonly Span[] {
  const drawn = new Set<string>();
  return spans.filter(({ acceptedAt, endsAt, isOpen, lane, outcome }) => {
    if (isOpen || endsAt - acceptedAt > APART) return true;
    const place = `${lane} ${Math.round(endsAt / APART)} ${outcome.word}`;
    if (drawn.has(place)) return false;
    drawn.add(place);
    return true;
  });
}

/** How long it took from its start to its result, or until now; undefined before its start. */
export function tookMs(
  { startedAt, finishedAt }: Pick<AssignmentSummary, "startedAt" | "finishedAt">,
  nowMs: number,
): number | undefined {
  if (startedAt === undefined) return undefined;
  const endMs = finishedAt === undefined ? nowMs : Date.parse(finishedAt);
  return Math.max(0, endMs - Date.parse(startedAt));
}
