/**
 * A run as rows to read: what was tried, in its order, then what is still to come; between them why
 * a plan was made anew. Pure: a record in, rows out.
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
  readonly word: string;
  readonly text: string;
}
export type Row = StepRow | NoteRow;

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
  readonly legs?: number;
  readonly earlier?: number;
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

export function rowsOf(run: RunRecord): Row[] {
  const results = run.results as readonly Told[];
  const rows = [...earlierNote("run", run as Told), ...results.flatMap(rowsOfResult)];
  return [...rows, ...comingRows(run, results)];
}

function rowsOfResult(told: Told, nth: number): Row[] {
  if (told.type === "action") return attemptRows(told, nth);
  const inner = told.type === "plan" ? told.steps : told.results;
  if (inner === undefined) return []; // an end in words, which the run's own message tells
  const key = `${told.type} ${nth} ${told.name ?? told.goal?.join()}`;
  const text = told.type === "plan" ? (told.goal?.join(", ") ?? "") : (told.name ?? "");
  const word = told.type === "plan" ? "plan for" : "order";
  return [
    { kind: "note", key, word, text },
    ...earlierNote(key, told),
    ...inner.flatMap(rowsOfResult),
  ];
}

function attemptRows(told: Told, nth: number): Row[] {
  const { because, audit_id, servant_id, legs, steps = [] } = told;
  const key = audit_id ?? `try ${nth}`;
  const inner = [...earlierNote(key, told), ...steps.flatMap(rowsOfResult)];
  const row: StepRow = {
    ...stepRow(told, key, { ...because }),
    phase: told.success === null ? "running" : told.success ? "done" : "failed",
    message: told.success === null ? "" : (told.message ?? ""),
    ...(audit_id === undefined ? {} : { auditId: audit_id }),
    ...(servant_id === undefined ? {} : { servantId: servant_id }),
    ...(legs === undefined && steps.length === 0
      ? {}
      : { legs: { rows: inner, total: legs ?? 0 } }),
  };
  const again = because?.replanned;
  return again === undefined ? [row] : [replanned(key, again), row];
}

/** The steps of the present plan that nobody has tried yet. */
function comingRows({ plan, status }: RunRecord, results: readonly Told[]): Row[] {
  if (plan === null || plan === undefined || status === "succeeded") return [];
  const tried = results.flatMap(placesIn).filter((each) => each.plan === plan.number);
  const taken = Math.max(0, ...tried.map(({ step = 0 }) => step));
  const phase = status === "running" ? "waiting" : "left";
  const steps = (plan.steps as readonly Told[]).map((told, index): StepRow => {
    const key = `plan ${plan.number} step ${index + 1}`;
    return { ...stepRow(told, key, { ...told, step: index + 1 }), phase };
  });
  const again = plan.replanned;
  const isNew = taken === 0 && again !== undefined;
  return [...(isNew ? [replanned(`plan ${plan.number}`, again)] : []), ...steps.slice(taken)];
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
    ...{ kind: "step", key, needs, serves, phase: "waiting", message: "" },
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

function replanned(key: string, text: string): NoteRow {
  return { kind: "note", key: `again ${key}`, word: "planned again", text };
}

function earlierNote(key: string, { earlier }: Told): NoteRow[] {
  if (earlier === undefined) return [];
  const text = `${earlier.toLocaleString("en-US")} tries before these are not shown`;
  return [{ kind: "note", key: `earlier ${key}`, word: "…", text }];
}

function plain(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
