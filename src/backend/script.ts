/**
 * Scripts: a step that nobody provides itself and that is made of others. Its legs are dispatched
 * one by one. A leg that was missed is done again from where things are seen to be; one that is done
 * is not done again, whatever happens to the step in between.
 */
import { type AuditId, emptyResult, failedResult, type Result } from "../core/assignment.ts";
import type { Atom } from "../core/atom.ts";
import type { ObjectDef, StepDef } from "../core/domain.ts";
import { ServantError, toServantError } from "../core/errors.ts";
import { fingerprint } from "../core/fingerprint.ts";
import { canonicalJson, type Json } from "../core/json.ts";
import type { GroundStep } from "../core/outcome.ts";
import { isInPieces, type Pieces } from "../core/pieces.ts";
import type { Clock } from "../core/ports.ts";
import type { Effort } from "./effort.ts";
import type { LegsDone, Legwork } from "./legwork.ts";
import { aimed, atomsOf, moveOf } from "./move.ts";
import { prepare } from "./obstacle.ts";
import { stepText } from "./progress.ts";
import type { Ending } from "./results.ts";
import { sceneOf } from "./scene.ts";
import type { Log } from "./servants.ts";
import { unhurried } from "./unhurried.ts";
import type { World } from "./world.ts";

/** Scripts of scripts: so many, one in the other. */
export const SCRIPT_DEPTH_MAX = 8;
/** Legs of one script. */
export const LEGS_MAX = 10_000;

export interface ScriptPorts {
  readonly clock: Clock;
  readonly world: World;
  readonly legwork: Legwork;
  readonly log: Log;
  /**
   * Resolves when nothing that was triggered is under way, nor an earlier step of the servant that
   * would do the transition: the next step is judged after it. Ends early with `halted`.
   */
  readonly quiet: (halted: AbortSignal, transition?: string) => Promise<unknown>;
}
export interface Flight {
  /** Of the step that is made of the legs. */
  readonly auditId: AuditId;
  /** 1 for a script that is in no other. */
  readonly depth: number;
  readonly halted: AbortSignal;
  readonly effort: Effort;
  /** Told every leg, before the first. */
  laidOut(legs: readonly StepDef[]): void;
  /** Attempts a leg; when it is done, so many are, unless it is a way back. */
  attempt(leg: GroundStep, why: string, completes?: LegsDone): Promise<Ending>;
}
/** Every leg, and how many of them are done. */
interface Course {
  readonly step: StepDef;
  readonly legs: readonly StepDef[];
  readonly from: LegsDone["from"];
  done: number;
  mark: string;
}

/** True for a transition that can be carried out by others. */
export function isScripted({ vocabulary }: World, transition: string): boolean {
  const def = vocabulary.transitions.get(transition);
  return def?.script !== undefined || vocabulary.codeOf(transition)?.script !== undefined;
}

/** Does what is left of a scripted step; its effects are the caller's business. Never rejects. */
export async function fly(ports: ScriptPorts, step: GroundStep, flight: Flight): Promise<Result> {
  const { auditId, depth, effort, halted } = flight;
  let course: Course;
  try {
    if (depth > SCRIPT_DEPTH_MAX) {
      throw bad(step, `scripts nest deeper than ${SCRIPT_DEPTH_MAX}`);
    }
    course = await layOut(ports, step, halted);
  } catch (cause) {
    const { code, message } = toServantError(cause);
    return failedResult(auditId, code, message);
  }
  const { legs } = course;
  flight.laidOut(legs);
  if (course.done > 0) {
    const text = `${stepText(step)} goes on with leg ${course.done + 1} of ${legs.length}`;
    ports.log("info", text, { auditId });
  }
  while (course.done < legs.length) {
    const missed = await flyLeg(ports, course, flight);
    if (missed !== undefined) return { ...emptyResult(auditId, false, missed.message), ...missed };
    course.mark = marked(ports.world, course.mark, legs[course.done] as StepDef);
    effort.reached(`leg ${course.done} of ${stepText(step)} ${course.mark}`);
    course.done += 1;
    const { done, mark, from } = course;
    ports.legwork.note(step, { done, mark, from });
  }
  return emptyResult(auditId, true, `all ${legs.length} legs are done`);
}

type Missed = Pick<Ending, "message" | "code">;

/** Does the next leg; returns why it could not be done, if it could not. */
async function flyLeg(
  { world, legwork, log, quiet }: ScriptPorts,
  { step, legs, done, mark, from }: Course,
  { auditId, halted, effort, attempt }: Flight,
): Promise<Missed | undefined> {
  const number = `leg ${done + 1} of ${legs.length}`;
  let why = number;
  let isRetry = false;
  for (;;) {
    await quiet(halted, legs[done]?.transition);
    if (halted.aborted) return { message: `${number} was not begun: ${halted.reason}` };
    const after = { done: done + 1, mark: marked(world, mark, legs[done] as StepDef), from };
    const known = legwork.of(step);
    // Its servant said so meanwhile, late.
    if (known?.done === after.done && known.mark === after.mark) return undefined;
    const { leg, isApproach } = aimed(world, legs, done, isRetry);
    const ending = isApproach
      ? await tryLeg(world, leg, (way) => attempt(way, `the way back to ${why}`))
      : await tryLeg(world, leg, (ready) => attempt(ready, why, after));
    if (ending.success && !isApproach) return undefined;
    if (ending.success) continue;
    const message = `${number} was missed: ${ending.message}`;
    // From here the legs are others: they are laid out again.
    if (ending.code === "step.keep-out") legwork.forget(step);
    if (ending.code !== undefined && HOPELESS.has(ending.code)) {
      return { message, code: ending.code };
    }
    if (halted.aborted || !effort.again()) return { message };
    isRetry = !isApproach;
    why = `${number}, again: ${ending.message}`;
    log("info", `${stepText(step)} tries ${why}`, { auditId });
  }
}

/** What another try does not mend. */
const HOPELESS: ReadonlySet<string> = new Set([
  "step.keep-out",
  "provider.missing",
  "assignment.bad-params",
  "transition.unknown",
  "domain.invalid",
]);

async function tryLeg(
  world: World,
  leg: StepDef,
  attempt: (leg: GroundStep) => Promise<Ending>,
): Promise<Ending> {
  const prepared = prepare(world, leg);
  if ("step" in prepared) return await attempt(prepared.step);
  return { success: false, ...prepared.obstacle };
}

/**
 * The legs, those that are done among them. A script may begin where things are, so what was begun
 * is laid out from where it was begun; if that gives other legs (a zone was moved, a keep-out set),
 * what was done counts for nothing.
 */
async function layOut(
  { clock, world, legwork, log }: ScriptPorts,
  step: GroundStep,
  halted: AbortSignal,
): Promise<Course> {
  const legsFrom = (state: ReadonlySet<Atom>) =>
    unhurried(expanded(world, step, state), clock, halted);
  const known = legwork.of(step);
  if (known !== undefined) {
    const moved = atomsOf(world.state(), known.from.fluents);
    const state = new Set(world.state());
    for (const text of moved) state.delete(text);
    for (const text of known.from.atoms) state.add(text);
    const legs = await legsFrom(state);
    const mark = legs.slice(0, known.done).reduce((sofar, leg) => marked(world, sofar, leg), "");
    if (known.done <= legs.length && mark === known.mark) return { step, legs, ...known };
    legwork.forget(step);
    log("info", `${stepText(step)} has other legs than before: all of them are to be done`, {});
  }
  // The world may go on meanwhile: the legs are those of the state that is remembered with them.
  const state = world.state();
  const legs = await legsFrom(state);
  const moves = legs.map(({ transition }) => moveOf(world.vocabulary.transitions.get(transition)));
  const fluents = [...new Set(moves.flatMap((move) => move?.fluent ?? []))];
  const from = { fluents, atoms: atomsOf(state, fluents) };
  return { step, legs, from, done: 0, mark: "" };
}

/** Asks the domain for the legs and makes the objects that they name: servants look them up. */
function* expanded(world: World, step: GroundStep, state: ReadonlySet<Atom>): Pieces<StepDef[]> {
  const { vocabulary } = world;
  const { script } = vocabulary.codeOf(step.transition) ?? {};
  if (script === undefined) {
    const legs = vocabulary.transition(step.transition).script ?? [];
    return legs.map((leg) => bindLeg(leg, step));
  }
  const found = script(step, sceneOf(world, state));
  const { objects, steps } = isInPieces(found) ? yield* found : found;
  if (steps.length > LEGS_MAX) throw bad(step, `it has ${steps.length} legs, over ${LEGS_MAX}`);
  const names = new Map<string, string>();
  for (const object of objects) {
    names.set(object.name, made(world, object));
    yield;
  }
  return steps.map(({ transition, parameters }) => ({
    transition,
    parameters: Object.fromEntries(
      Object.entries(parameters).map(([param, name]) => [param, names.get(name) ?? name]),
    ),
  }));
}

/** The name under which the world has the object: one at the same place may be there already. */
function made(world: World, object: ObjectDef): string {
  return world.createObject(object).object.name;
}

function bindLeg({ transition, parameters }: StepDef, step: GroundStep): StepDef {
  const bound = Object.entries(parameters).flatMap(([param, value]): [string, string][] => {
    const given = value.startsWith("?") ? step.parameters[value.slice(1)] : value;
    return given === undefined ? [] : [[param, given]]; // optional, and left out
  });
  return { transition, parameters: Object.fromEntries(bound) };
}

/** The mark of legs that are done, with one more: their names and what they name. */
function marked(world: World, mark: string, { transition, parameters }: StepDef): string {
  const named = Object.entries(parameters).map(([param, name]): Json => {
    return [param, name, world.object(name)?.fields ?? {}];
  });
  return fingerprint(canonicalJson([mark, transition, named]));
}

function bad(step: GroundStep, reason: string): ServantError {
  return new ServantError("domain.invalid", `Cannot carry out ${stepText(step)}: ${reason}`);
}
