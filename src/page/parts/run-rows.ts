/**
 * A run as rows to read: what was tried, in its order, then what is still to come; between them why
 * a plan was made anew, and above them the blocks that they are part of. Pure: a record in, rows out.
 */
import type { RunRecord } from "../../wire/direct.ts";

export interface Link {
  readonly atom: string;
  /** The step at its other end; null: the state before the plan, or the goal. */
  readonly step: number | null;
}
export type StepPhase = "waiting" | "running" | "done" | "failed" | "left";

export interface StepRow {
  readonly kind: "step";
  readonly key: string;
  /** `move(room_one, room_two)` */
  readonly what: string;
  /** The same with the names of the parameters. */
  readonly whole: string;
  readonly transition: string;
  readonly phase: StepPhase;
  /** In how many blocks it stands. */
  readonly depth: number;
  /** Its servant said how it ended when nobody waited for it any more. */
  readonly isLate: boolean;
  /** From 1, in its plan; absent for legs and blocks. */
  readonly number?: number;
  readonly message: string;
  /** In one line. */
  readonly reason: string;
  readonly why: string;
  readonly needs: readonly Link[];
  readonly serves: readonly Link[];
  readonly servantId?: string;
  readonly auditId?: string;
  /** Legs of its script: those that are shown, how many there are, how many are done of those shown. */
  readonly legs?: { readonly rows: readonly Row[]; readonly total: number };
}
export interface NoteRow {
  readonly kind: "note";
  readonly key: string;
  readonly depth: number;
  readonly word: string;
  readonly text: string;
}
export type Row = StepRow | NoteRow;

/** A run, or a plan that is kept and has not begun. */
export interface ShownRun extends Pick<RunRecord, "run_id" | "plan" | "results"> {
  readonly status: RunRecord["status"] | "planned";
}

/** What a record holds of one try; everything may be missing. */
interface Told {
  readonly type?: string;
  readonly success?: boolean | null;
  readonly message?: string;
  readonly audit_id?: string;
  readonly action_name?: string;
  readonly parameters?: Readonly<Record<string, unknown>>;
  readonly why?: string;
  readonly servant_id?: string;
  readonly late?: boolean;
  readonly legs?: number;
  readonly earlier?: number;
  readonly coming?: readonly string[];
  readonly steps?: readonly Told[];
  readonly results?: readonly Told[];
  readonly goal?: readonly string[];
  readonly name?: string;
  readonly because?: Because;
  readonly needs?: Because["needs"];
  readonly serves?: Because["serves"];
}
interface Because {
  readonly plan?: number;
  readonly step?: number;
  readonly replanned?: string;
  readonly needs?: readonly { readonly atom: string; readonly from: number | null }[] | undefined;
  readonly serves?: readonly { readonly atom: string; readonly to: number | null }[] | undefined;
}

/** What each row is read with. */
interface Scope {
  readonly run: ShownRun;
  /** The plan block whose plan the record has. */
  readonly pursued: Told | undefined;
  readonly depth: number;
}

export function rowsOf(run: ShownRun): Row[] {
  const whole = run as Told;
  const results = whole.results ?? [];
  const pursued = results.flatMap(plansIn).at(-1);
  const scope = { run, pursued, depth: 0 };
  return withoutEchoes([
    ...earlierNote("run", whole, 0),
    ...results.flatMap((told, nth) => rowsOfResult(told, nth, scope)),
    ...(pursued === undefined ? comingSteps(run, 0) : []),
    ...comingBlocks("run", whole, scope),
  ]);
}

function plansIn(told: Told): Told[] {
  if (told.type === "plan") return told.steps === undefined ? [] : [told];
  return told.type === "action" ? [] : (told.results ?? []).flatMap(plansIn);
}

function rowsOfResult(told: Told, nth: number, outer: Scope): Row[] {
  if (told.type === "action") return attemptRows(told, nth, outer);
  const inner = told.type === "plan" ? told.steps : told.results;
  if (inner === undefined) return []; // an end in words, which the run's own message tells
  const { depth, run, pursued } = outer;
  const key = `${told.type} ${depth} ${nth} ${told.name ?? told.goal?.join()}`;
  const text = told.type === "plan" ? (told.goal?.join(", ") ?? "") : (told.name ?? "");
  const word = told.type === "plan" ? "plan for" : "order";
  const scope = { run, pursued, depth: depth + 1 };
  return [
    { kind: "note", key, depth, word, text },
    ...earlierNote(key, told, depth + 1),
    ...inner.flatMap((each, at) => rowsOfResult(each, at, scope)),
    ...(told === pursued && told.success !== true ? comingSteps(run, depth + 1) : []),
    ...comingBlocks(key, told, scope),
  ];
}

/** What is told twice in a row, as the end of a step and as the reason for the next plan, is read once. */
function withoutEchoes(rows: readonly Row[]): Row[] {
  return rows.map((row, at) => {
    const before = rows[at - 1];
    const isEcho = row.kind === "note" && before?.kind === "step" && row.text === before.message;
    return isEcho ? { ...row, text: "because of this" } : row;
  });
}

function attemptRows(told: Told, nth: number, scope: Scope): Row[] {
  const { because, audit_id, servant_id, legs, steps = [] } = told;
  const { depth } = scope;
  const key = audit_id ?? `try ${nth}`;
  const inLegs = { ...scope, depth: 0 };
  const inner = withoutEchoes([
    ...earlierNote(key, told, 0),
    ...steps.flatMap((leg, at) => rowsOfResult(leg, at, inLegs)),
  ]);
  const row: StepRow = {
    ...stepRow(told, key, { ...because }),
    ...{ depth, isLate: told.late === true },
    phase: told.success === null ? "running" : told.success ? "done" : "failed",
    message: told.success === null ? "" : (told.message ?? ""),
    ...(audit_id === undefined ? {} : { auditId: audit_id }),
    ...(servant_id === undefined ? {} : { servantId: servant_id }),
    ...(legs === undefined && steps.length === 0
      ? {}
      : { legs: { rows: inner, total: legs ?? 0 } }),
  };
  const again = because?.replanned;
  return again === undefined ? [row] : [replanned(key, again, depth), row];
}

/** The steps of the present plan that nobody has tried yet. */
function comingSteps({ plan, status, results }: ShownRun, depth: number): Row[] {
  if (plan === null || plan === undefined || status === "succeeded") return [];
  const tried = (results as readonly Told[])
    .flatMap(placesIn)
    .filter((each) => each.plan === plan.number);
  const taken = Math.max(0, ...tried.map(({ step = 0 }) => step));
  const phase = hasEnded(status) ? "left" : "waiting";
  const steps = (plan.steps as readonly Told[]).map((told, index): StepRow => {
    const key = `plan ${plan.number} step ${index + 1}`;
    return { ...stepRow(told, key, { ...told, step: index + 1 }), phase, depth };
  });
  const again = plan.replanned;
  const isNew = taken === 0 && again !== undefined;
  return [
    ...(isNew ? [replanned(`plan ${plan.number}`, again, depth)] : []),
    ...steps.slice(taken),
  ];
}

/** The blocks of a mission, or of an order, that have not begun. */
function comingBlocks(key: string, { coming = [] }: Told, { run, depth }: Scope): Row[] {
  const word = hasEnded(run.status) ? "not begun" : "to come";
  return coming.map((text, nth) => ({
    ...{ kind: "note", key: `coming ${key} ${coming.length - nth} ${text}`, depth, word, text },
  }));
}

function hasEnded(status: ShownRun["status"]): boolean {
  return status !== "running" && status !== "planned";
}

function placesIn(told: Told): Because[] {
  if (told.type === "action") return told.because === undefined ? [] : [told.because];
  return (told.steps ?? told.results ?? []).flatMap(placesIn);
}

function stepRow(told: Told, key: string, because: Because): StepRow {
  const needs = (because.needs ?? []).map(({ atom, from }) => ({ atom, step: from }));
  const serves = (because.serves ?? []).map(({ atom, to }) => ({ atom, step: to }));
  const values = Object.entries(told.parameters ?? {});
  return {
    ...{ kind: "step", key, needs, serves, phase: "waiting", message: "", depth: 0, isLate: false },
    what: `${told.action_name ?? "?"}(${values.map(([, value]) => plain(value)).join(", ")})`,
    whole: `${told.action_name ?? "?"}(${values.map(([name, value]) => `${name}=${plain(value)}`).join(", ")})`,
    transition: told.action_name ?? "?",
    ...(because.step === undefined ? {} : { number: because.step }),
    reason: reasonOf(serves, told.why ?? ""),
    why: told.why ?? "",
  };
}

/** `for the goal: box_at(room_two, box_a)`, `for step 4: holding(box_a), and 2 more` */
export function reasonOf(serves: readonly Link[], why: string): string {
  const [first] = [...serves.filter(({ step }) => step === null), ...serves];
  if (first === undefined) return why;
  const more = serves.length > 1 ? `, and ${serves.length - 1} more` : "";
  const whom = first.step === null ? "the goal" : `step ${first.step}`;
  return `for ${whom}: ${first.atom}${more}`;
}

function replanned(key: string, text: string, depth: number): NoteRow {
  return { kind: "note", key: `again ${key}`, depth, word: "planned again", text };
}

function earlierNote(key: string, { earlier }: Told, depth: number): NoteRow[] {
  if (earlier === undefined) return [];
  const text = `${earlier.toLocaleString("en-US")} tries before these are not shown`;
  return [{ kind: "note", key: `earlier ${key}`, depth, word: "…", text }];
}

function plain(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
