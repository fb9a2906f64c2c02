/**
 * Actions that went out and are not answered. The record of one is durable before it goes out and
 * outlives its run and the process: an answer that comes after both still says what was done.
 */
import * as z from "zod/mini";
import type { Assignment, AuditId, Result } from "../core/assignment.ts";
import { type Atom, atomParts, parseAtom } from "../core/atom.ts";
import type { StepDef } from "../core/domain.ts";
import { isShorterThan, type Json } from "../core/json.ts";
import { LegsDone } from "./legwork.ts";
import { type Keep, keepNothing, type StoredDocument } from "./store.ts";

/** Those whose run is over; beyond it the oldest are forgotten, and their answers only logged. */
export const UNANSWERED_MAX = 1_000;

/** Longer telemetry is not kept here, as JSON: to write it takes longer than the step's beliefs. */
const TELEMETRY_CHARACTERS_MAX = 64 * 1024;

const AtomText = z.pipe(
  z.string(),
  z.transform((text: string): Atom => parseAtom(text)),
);
const Answer = z.object({
  success: z.boolean(),
  message: z.string(),
  telemetry: z.json(),
  observed: z.array(z.object({ atom: AtomText, holds: z.boolean() })),
  exclusive: z.array(z.string()),
  unchecked: z.boolean(),
});
const Step = z.object({
  transition: z.string(),
  parameters: z.record(z.string(), z.string()),
});
const Row = z.object({
  runId: z.string(),
  servantId: z.string(),
  step: Step,
  adds: z.array(AtomText),
  removes: z.array(AtomText),
  completes: z.optional(z.object({ of: Step, legs: LegsDone })),
  isOverruled: z.boolean(),
  answer: z.optional(Answer),
});

/** A step that a servant was given. */
export interface GivenStep {
  readonly auditId: AuditId;
  readonly runId: string;
  readonly servantId: string;
  readonly step: StepDef;
  /** What it does if it succeeds, from the state in which it was begun. */
  readonly adds: readonly Atom[];
  readonly removes: readonly Atom[];
  /** Of a leg: how far its script is when it is done. */
  readonly completes?: { readonly of: StepDef; readonly legs: LegsDone };
}
export interface Unfinished extends GivenStep {
  /** Since it was begun somebody said of what it touches what holds: its success no longer does. */
  isOverruled: boolean;
  /** It was handed to its servant. */
  wentOut: boolean;
  /** Nobody waits for it any more: its run, or the life in which it was begun, is over. */
  isOver: boolean;
  /** What its servant said; it counts once. */
  answer?: Result;
}

export class Unanswered {
  readonly #keep: Keep;
  readonly #byId = new Map<string, Unfinished>();

  constructor(keep: Keep = keepNothing, kept: readonly StoredDocument[] = []) {
    this.#keep = keep;
    for (const { key, value } of kept) {
      const { data } = Row.safeParse(value); // another version's: its answer is only logged
      if (data === undefined) continue;
      const { answer, completes, ...row } = data;
      const auditId = key as AuditId;
      const said = answer && ({ auditId, ...answer } as Result);
      this.#byId.set(key, {
        ...{ auditId, ...row, wentOut: true, isOver: true },
        ...(completes === undefined ? {} : { completes }),
        ...(said === undefined ? {} : { answer: said }),
      });
    }
  }

  begin(step: GivenStep): void {
    const fresh = { isOverruled: false, wentOut: false, isOver: false };
    this.#byId.set(step.auditId, { ...step, ...fresh });
  }

  /** It goes to its servant now. */
  goesOut(auditId: AuditId): void {
    const step = this.#byId.get(auditId);
    if (step === undefined || step.wentOut) return;
    step.wentOut = true;
    this.#store(step);
  }

  /** Its servant has answered; what that says is believed soon. */
  answered(auditId: AuditId, answer: Result): void {
    const step = this.#byId.get(auditId);
    if (step === undefined || step.answer !== undefined) return;
    step.answer = answer;
    this.#store(step);
  }

  /**
   * Its run goes on or ends without it. What its servant may still answer is kept in mind, and what
   * it answered when the backend was ending, for the next life to believe.
   */
  leave(auditId: AuditId, { isBelieved }: { readonly isBelieved: boolean }): void {
    const step = this.#byId.get(auditId);
    if (step === undefined) return;
    if (!step.wentOut || (step.answer !== undefined && isBelieved)) {
      this.forget(auditId);
      return;
    }
    step.isOver = true;
    const over = [...this.#byId.values()].filter(({ isOver }) => isOver);
    for (const { auditId: oldest } of over.slice(0, -UNANSWERED_MAX)) this.forget(oldest);
  }

  forget(auditId: AuditId): void {
    if (this.#byId.delete(auditId)) this.#keep.remove("step", auditId);
  }

  /** Those that nobody waits for and that may still be under way. */
  open(): Unfinished[] {
    return [...this.#byId.values()].filter(({ isOver, answer }) => isOver && answer === undefined);
  }

  /** Those that are answered and were not believed when the life before ended. */
  unbelieved(): Unfinished[] {
    return [...this.#byId.values()].filter(({ isOver, answer }) => isOver && answer !== undefined);
  }

  /** One that is `open`. */
  get(auditId: string): Unfinished | undefined {
    const step = this.#byId.get(auditId);
    return step?.isOver && step.answer === undefined ? step : undefined;
  }

  /** Somebody says what holds of these atoms; of all of them when none are named. */
  overrule(atoms?: ReadonlySet<Atom>): void {
    for (const step of this.#byId.values()) {
      if (step.isOverruled || (atoms !== undefined && !isTouched(step, atoms))) continue;
      step.isOverruled = true;
      if (step.isOver && step.answer !== undefined) this.forget(step.auditId);
      else if (step.wentOut) this.#store(step);
    }
  }

  #store({ auditId, isOver: _, wentOut: __, answer, ...row }: Unfinished): void {
    const said = answer === undefined ? {} : { answer: briefly(answer) };
    this.#keep.put("step", auditId, JSON.parse(JSON.stringify({ ...row, ...said })) as Json);
  }
}

/** What it measured is in the run's record, and says nothing of the state. */
function briefly(answer: Result): Result {
  const isShort = isShorterThan(answer.telemetry, TELEMETRY_CHARACTERS_MAX);
  return isShort ? answer : { ...answer, telemetry: {} };
}

/**
 * An atom that the step changes, or of a fluent that it moves: `robot_at(c)` speaks of a step from
 * `robot_at(a)` to `robot_at(b)`.
 */
function isTouched({ adds, removes }: Unfinished, atoms: ReadonlySet<Atom>): boolean {
  if ([...adds, ...removes].some((text) => atoms.has(text))) return true;
  const added = new Set(adds.map((text) => atomParts(text).fluent));
  const moved = removes.map((text) => atomParts(text).fluent).filter((each) => added.has(each));
  return moved.length > 0 && [...atoms].some((text) => moved.includes(atomParts(text).fluent));
}

export function assignmentOf({
  auditId,
  step,
}: GivenStep): Extract<Assignment, { kind: "action" }> {
  return { kind: "action", auditId, transition: step.transition, params: step.parameters };
}
