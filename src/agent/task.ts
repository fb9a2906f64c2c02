/** One piece of work that the plugin's process was given. */
import type { ChildAnswer, ChildWork } from "../core/child.ts";
import type { ServantError } from "../core/errors.ts";
import type { ActionRules } from "../core/handlers.ts";
import type { Limits, TimeLimit } from "../core/time-limit.ts";

/** How one piece of work is done. */
export interface Terms {
  readonly signal: AbortSignal;
  readonly limits: Limits;
  /** How long it may block the event loop, when it says so itself. */
  readonly hangTimeoutMs?: number | undefined;
  /** How long it may go on after its signal aborted, when that is not the rule for all. */
  readonly graceMs?: number;
}

/** Given to the child and not answered yet. */
export interface Task {
  readonly id: number;
  readonly work: ChildWork;
  readonly limit: TimeLimit;
  readonly hangTimeoutMs: number | undefined;
  /** Its method was called: from there on it may have moved the machine. */
  hasStarted: boolean;
  /** With undefined when the process ended before it had started. */
  resolve(answer: ChildAnswer | undefined): void;
  reject(error: ServantError): void;
}

/** What may move the machine, whoever asked for it. */
export function isMotion(task: Task): boolean {
  return isAction(task) || task.work.type === "hook";
}

export function isAction({ work }: Task): boolean {
  return work.type === "run" && work.assignment.kind === "action";
}

/** The transition's name, or what else it is. */
export function nameOf(work: ChildWork): string {
  if (work.type === "safe") return "safe";
  if (work.type === "hook") return `hook ${work.name}`;
  const { assignment } = work;
  const name = assignment.kind === "action" ? assignment.transition : assignment.kind;
  return work.type === "run" ? name : `reconcile ${name}`;
}

/** What an action says of itself; a name that came over the wire must not find Object's own. */
export function rulesOf(
  rules: Readonly<Record<string, ActionRules>>,
  transition: string,
): Partial<ActionRules> {
  return (Object.hasOwn(rules, transition) ? rules[transition] : undefined) ?? {};
}
